"""Connections that stay open, wait in line, break and are given up."""

import asyncio

import pytest

from primitives.errors import InvalidInput
from sim.load.errors import NodeUnreachable, RequestTimedOut, UnusableAnswer
from sim.load.http import Endpoint
from sim.load.urls import socket_url, split_url
from tests.unit.sim.load.servers import ANSWER, read_request, response, serving


def test_requests_share_connections_that_stay_open() -> None:
    async def scene() -> None:
        opened = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal opened
            opened += 1
            while True:
                writer.write(response(await read_request(reader)))

        async with serving(answer) as url:
            endpoint = Endpoint(url, connections=3)
            bodies = [b"%d" % number for number in range(50)]
            found = await asyncio.gather(*[endpoint.post(body) for body in bodies])
            assert [each.body for each in found] == bodies
            assert (await endpoint.post(b"later")).body == b"later"
            assert 1 <= opened <= 3
            await endpoint.close()

    asyncio.run(scene())


def test_an_idle_connection_that_the_server_has_closed_costs_nothing() -> None:
    async def scene() -> None:
        requests = 0

        async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal requests
            await read_request(reader)
            requests += 1
            writer.write(response())
            await writer.drain()
            # The second request finds the connection closing without an answer.
            await reader.read(1)

        async with serving(answer_once) as url:
            endpoint = Endpoint(url, connections=1)
            for _ in range(3):
                assert (await endpoint.post(b"{}")).body == ANSWER
            assert requests == 3
            await endpoint.close()

    asyncio.run(scene())


def test_a_response_that_ends_the_connection_is_taken() -> None:
    async def scene() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(response(extra=b"Connection: close\r\n"))

        async with serving(answer) as url:
            endpoint = Endpoint(url, connections=1)
            for _ in range(3):
                assert (await endpoint.post(b"{}")).body == ANSWER
            await endpoint.close()

    asyncio.run(scene())


def test_who_waits_in_line_does_not_wait_for_a_connection_that_has_ended() -> None:
    async def scene() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(response(await read_request(reader), b"Connection: close\r\n"))

        async with serving(answer) as url:
            endpoint = Endpoint(url, connections=1, timeout_s=3_600.0)
            bodies = [b"%d" % number for number in range(3)]
            async with asyncio.timeout(60):
                found = await asyncio.gather(*[endpoint.post(body) for body in bodies])
            assert [each.body for each in found] == bodies
            await endpoint.close()

    asyncio.run(scene())


def test_a_server_that_hangs_up_at_once_is_unreachable_to_all_who_wait() -> None:
    async def scene() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Do not even read."""

        async with serving(hang_up) as url:
            endpoint = Endpoint(url, connections=2, timeout_s=3_600.0)
            async with asyncio.timeout(60):
                found = await asyncio.gather(
                    *[endpoint.post(b"{}") for _ in range(5)], return_exceptions=True
                )
            assert [type(each) for each in found] == [NodeUnreachable] * 5
            await endpoint.close()

    asyncio.run(scene())


def test_a_server_that_hangs_up_without_a_word_is_unreachable() -> None:
    async def scene() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)

        async with serving(hang_up) as url:
            endpoint = Endpoint(url)
            with pytest.raises(NodeUnreachable):
                await endpoint.post(b"{}")
            await endpoint.close()

    asyncio.run(scene())


def test_a_silent_server_is_given_up_and_the_line_behind_it_too() -> None:
    async def scene() -> None:
        async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(3_600)

        async with serving(be_silent) as url:
            endpoint = Endpoint(url, connections=1, timeout_s=0.1)
            waits = [endpoint.post(b"{}") for _ in range(3)]
            found = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(each) for each in found] == [RequestTimedOut] * 3
            await endpoint.close()

    asyncio.run(scene())


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    async def scene() -> None:
        slow = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            body = await read_request(reader)
            if body == b"slow":
                await slow.wait()
            writer.write(response(body))
            await read_request(reader)

        async with serving(answer) as url:
            endpoint = Endpoint(url, connections=1, timeout_s=0.1)
            with pytest.raises(RequestTimedOut):
                await endpoint.post(b"slow")
            endpoint._timeout_s = 60.0  # for the next one
            slow.set()
            assert (await endpoint.post(b"next")).body == b"next"
            await endpoint.close()

    asyncio.run(scene())


def test_nobody_at_the_port_is_told_at_once_to_all_who_wait() -> None:
    async def scene() -> None:
        async with serving(lambda reader, writer: asyncio.sleep(0)) as url:
            pass
        endpoint = Endpoint(url, connections=2)
        found = await asyncio.gather(
            *[endpoint.post(b"{}") for _ in range(5)], return_exceptions=True
        )
        assert {str(each) for each in found} == {f"{url}: no connection: connection refused"}
        await endpoint.close()

    asyncio.run(scene())


@pytest.mark.parametrize("words", [b"220 mail.example ESMTP\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n"])
def test_what_is_no_http_is_told(words: bytes) -> None:
    async def scene() -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(words)
            await reader.read()

        async with serving(babble) as url:
            endpoint = Endpoint(url)
            with pytest.raises(UnusableAnswer, match=r"expected HTTP/1.1"):
                await endpoint.post(b"{}")
            await endpoint.close()

    asyncio.run(scene())


def test_a_port_without_tls_is_told() -> None:
    async def scene() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        async with serving(answer) as url:
            endpoint = Endpoint(url.replace("http", "https"))
            with pytest.raises(NodeUnreachable, match="no TLS there"):
                await endpoint.post(b"{}")
            await endpoint.close()

    asyncio.run(scene())


def test_the_end_of_an_endpoint_answers_all_who_wait() -> None:
    async def scene() -> None:
        asked = asyncio.Event()

        async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            asked.set()
            await asyncio.sleep(3_600)

        async with serving(be_silent) as url:
            endpoint = Endpoint(url, connections=1)
            waits = [endpoint.post(b"{}") for _ in range(2)]
            await asked.wait()
            await endpoint.close()
            found = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(each) for each in found] == [NodeUnreachable] * 2

    asyncio.run(scene())


@pytest.mark.parametrize(
    "url",
    [
        *("", "node", "ws://node:1", "http://", "http://a:0", "http://a:70000", "http://a b/"),
        *("http://a..b", f"http://{'a' * 64}.org"),
    ],
)
def test_what_is_no_address_of_a_node_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="expected the address of a node"):
        split_url(url)


def test_a_name_and_a_password_are_sent_and_not_shown() -> None:
    async def scene() -> None:
        heads = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))

        async with serving(answer) as url:
            endpoint = Endpoint(url.replace("//", "//user:pass%40word@"))
            with pytest.raises(NodeUnreachable) as failed:
                await endpoint.post(b"{}")
            await endpoint.close()
        assert b"\r\nAuthorization: Basic dXNlcjpwYXNzQHdvcmQ=\r\n" in heads[0]
        assert str(failed.value).startswith(url)

    asyncio.run(scene())


def test_a_node_has_its_socket_beside_its_port() -> None:
    assert socket_url("http://node:8545") == "ws://node:8545/"
    assert socket_url("https://node/key?x=1") == "wss://node/key?x=1"
