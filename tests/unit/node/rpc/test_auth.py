"""The token of admins."""

import pytest

from node.rpc.auth import Admins
from node.rpc.server import ServerConfig
from tests.unit.node.rpc.server_rig import (
    TOKEN,
    Rig,
    Wire,
    ask,
    post,
    request,
    tell,
    web_socket,
    with_rig,
)

CONFIG = ServerConfig(token=TOKEN)
SHOWN = f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("shown", "admitted"),
    [
        (SHOWN, True),
        (f"bearer  {TOKEN} ", True),
        (f"BEARER {TOKEN}", True),
        (TOKEN, False),
        (f"Basic {TOKEN}", False),
        ("Bearer", False),
        ("Bearer ", False),
        (f"{SHOWN}x", False),
        (SHOWN[:-1], False),
        (f"Bearer {TOKEN.upper()}", False),
        ("Bearer \u00ff\u00fe", False),
        ("", False),
    ],
)
def test_only_the_whole_token_is_admitted(shown: str, admitted: bool) -> None:
    assert Admins(TOKEN).admits(shown) is admitted


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Bearer x"])
def test_without_a_token_nobody_is_an_admin(shown: str) -> None:
    admins = Admins("")
    assert not admins.exist
    assert not admins.admits(shown)


@pytest.mark.parametrize(
    "token", ["short", "x" * 15, "with a space in it", "\u00e9" * 20, "\n" * 20]
)
def test_a_token_that_is_weak_or_no_header_value_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        Admins(token)


def test_the_token_opens_admin_methods_for_its_own_request_only() -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        admin, plain = (
            post(request("test_admin"), authorization=SHOWN),
            post(request("test_admin")),
        )
        wire.send(admin + plain + admin)
        found = [(await wire.answer())[2] for _ in range(3)]
        assert [b'"result":true' in each for each in found] == [True, False, True]
        assert b"needs the header Authorization" in found[1]

    with_rig(test, CONFIG)


def test_the_token_opens_each_call_of_a_batch() -> None:
    async def test(rig: Rig) -> None:
        batch = [request("test_admin"), request("test_late_error"), request("test_admin")]
        found = await ask(rig, batch, authorization=SHOWN)
        assert [each.get("result") for each in found] == [True, None, True]

    with_rig(test, CONFIG)


@pytest.mark.parametrize("shown", [f"{SHOWN}x", "Basic abc", "nonsense"])
def test_a_wrong_token_is_refused_at_once_whatever_is_asked(shown: str) -> None:
    async def test(rig: Rig) -> None:
        wire = await Wire.open(rig)
        wire.send(post(request("test_number"), authorization=shown))
        status, headers, _ = await wire.answer()
        assert (status, headers["www-authenticate"]) == (401, "Bearer")

    with_rig(test, CONFIG)


def test_a_websocket_shows_the_token_when_it_is_opened() -> None:
    async def test(rig: Rig) -> None:
        async with web_socket(rig, headers={"Authorization": SHOWN}) as socket:
            assert (await tell(socket, request("test_admin")))["result"] is True
        async with web_socket(rig) as socket:
            assert "error" in await tell(socket, request("test_admin"))

    with_rig(test, CONFIG)
