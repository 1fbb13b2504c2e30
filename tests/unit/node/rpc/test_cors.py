"""Web pages, and names under which the server is addressed."""

import aiohttp
import pytest

from node.rpc.cors import Hosts, Origins
from node.rpc.server import ServerConfig
from tests.unit.node.rpc.server_rig import Rig, Wire, post, request, web_socket, with_rig

PAGE = "https://app.example"
NAMED = ServerConfig(origins=(PAGE, "http://localhost:3000/"))
CALL = request("test_number")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST:8545", True),
        ("127.0.0.1", True),
        ("127.0.0.1:8545", True),
        ("10.1.2.3:1", True),
        ("[::1]:8545", True),
        ("[::1]", True),
        ("node.example", True),
        ("node.example:80", True),
        ("evil.example", False),
        ("node.example.evil.example", False),
        ("localhost.evil.example:8545", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:1:2", False),
        ("", False),
        ("[localhost", True),
    ],
)
def test_a_request_must_name_a_known_host_or_figures(host: str, allowed: bool) -> None:
    assert Hosts(("localhost", "Node.Example")).allow(host) is allowed


def test_a_host_is_judged_by_itself_whatever_came_before() -> None:
    hosts = Hosts(("localhost",))
    asked = [
        "evil.example",
        "127.0.0.1:1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example",
        "",
        "localhost",
    ]
    assert [hosts.allow(host) for host in asked] == [False, True, True, False, False, True]


def test_any_host_is_allowed_if_asked_for() -> None:
    assert Hosts(("*",)).allow("evil.example")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (PAGE, True),
        ("HTTPS://APP.EXAMPLE", True),
        ("http://localhost:3000", True),
        ("http://localhost", False),
        ("http://app.example", False),
        ("https://app.example.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_page_is_allowed_by_its_whole_origin(origin: str, allowed: bool) -> None:
    origins = Origins((PAGE, "http://localhost:3000/"))
    assert origins.allow(origin) is allowed
    assert bool(origins.headers(origin)) is allowed


def test_an_allowed_page_may_read_the_answer_and_caches_know_it_depends_on_the_page() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, origin=PAGE) + post(CALL, origin="https://other.example") + post(CALL))
        _, headers, _ = await wire.answer()
        assert (headers["access-control-allow-origin"], headers["vary"]) == (PAGE, "Origin")
        for _ in range(2):
            status, headers, _ = await wire.answer()
            assert status == 200
            assert "access-control-allow-origin" not in headers

    with_rig(test, NAMED)


def test_no_page_may_read_anything_by_default() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, origin=PAGE))
        assert "access-control-allow-origin" not in (await wire.answer())[1]
        assert (await preflight(rig, PAGE))[0] == 403

    with_rig(test)


def test_any_page_may_read_if_asked_for() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, origin="https://anything.example"))
        _, headers, _ = await wire.answer()
        assert headers["access-control-allow-origin"] == "*"
        assert "vary" not in headers

    with_rig(test, ServerConfig(origins=("*",)))


def test_a_refusal_can_be_read_by_the_page_it_concerns() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(CALL, origin=PAGE, content_type="text/plain"))
        status, headers, _ = await wire.answer()
        assert (status, headers["access-control-allow-origin"]) == (415, PAGE)

    with_rig(test, NAMED)


async def preflight(rig: Rig, origin: str) -> tuple[int, dict[str, str]]:
    fields = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.options(rig.server.url, headers=fields) as answer,
    ):
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


def test_a_browser_that_asks_first_is_answered_for_the_page() -> None:
    async def test(rig: Rig) -> None:
        status, headers = await preflight(rig, PAGE)
        assert status == 204
        assert headers["access-control-allow-origin"] == PAGE
        assert "POST" in headers["access-control-allow-methods"]
        assert "Content-Type" in headers["access-control-allow-headers"]
        assert (await preflight(rig, "https://other.example"))[0] == 403

    with_rig(test, NAMED)


def test_a_websocket_of_a_foreign_page_is_refused_for_nothing_else_would() -> None:
    async def test(rig: Rig) -> None:
        for origin, status in ((PAGE, 101), ("https://other.example", 403), ("null", 403)):
            try:
                async with web_socket(rig, origin=origin):
                    found = 101
            except aiohttp.WSServerHandshakeError as error:
                found = error.status
            assert found == status

    with_rig(test, NAMED)


def test_a_websocket_is_refused_under_a_foreign_name() -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with web_socket(rig, headers={"Host": "evil.example"}):
                pass
        assert refused.value.status == 403

    with_rig(test, NAMED)
