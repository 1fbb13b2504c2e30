"""HTTP/1.1 responses, however the bytes of a connection are cut."""

import pytest

from primitives.errors import InvalidEncoding
from sim.load.response import Response, ResponseReader

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;name=value\r\nbod\r\n1\r\ny\r\n0\r\n\r\n"
)
TRAILED = CHUNKED[:-2] + b"Digest: x\r\n\r\n"


def read(pieces: list[bytes], limit: int = 1_000) -> list[Response]:
    reader = ResponseReader(limit)
    found = [reader.feed(piece) for piece in pieces]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED, TRAILED])
@pytest.mark.parametrize("step", [1, 2, 7, 1_000])
def test_a_response_is_whole_when_its_last_byte_has_come(whole: bytes, step: int) -> None:
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    reader = ResponseReader(1_000)
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    assert reader.feed(pieces[-1]) == Response(200, b"body", keep=True)
    assert reader.is_fresh


def test_responses_follow_one_another_on_one_connection() -> None:
    assert read([PLAIN, CHUNKED, PLAIN]) == [Response(200, b"body", keep=True)] * 3


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_the_head_says_whether_the_connection_stays(head: bytes, keep: bool) -> None:
    (found,) = read([head + b"Content-Length: 0\r\n\r\n"])
    assert found == Response(200, b"", keep=keep)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reader = ResponseReader(1_000)
    assert reader.feed(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>") is None
    assert reader.end() == Response(502, b"<html>", keep=False)


def test_a_connection_that_ends_in_a_body_has_no_response() -> None:
    reader = ResponseReader(1_000)
    assert reader.feed(PLAIN[:-1]) is None
    assert not reader.is_fresh
    assert reader.end() is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        PLAIN + b"HTTP",
        b"x" * 70_000,
    ],
)
def test_what_is_no_single_response_is_refused(garbage: bytes) -> None:
    with pytest.raises(InvalidEncoding):
        read([garbage])


@pytest.mark.parametrize("whole", [PLAIN.replace(b"4", b"90", 1) + bytes(90), CHUNKED + bytes(90)])
def test_a_body_above_the_limit_is_refused(whole: bytes) -> None:
    with pytest.raises(InvalidEncoding, match="at most 50 bytes"):
        read([whole], limit=50)
