"""Heads of HTTP/1.1 requests: what is read, and what is refused."""

import pytest

from node.rpc.http_head import BadHead, parse_head


def head(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_a_plain_post_is_read_with_names_in_any_case() -> None:
    raw = head("POST /?a=b HTTP/1.1", "HOST: localhost:1", "content-LENGTH:  7 ", "X-A: b: c")
    found = parse_head(raw, 10)
    assert (found.method, found.path, found.length, found.plain) == ("POST", "/", 7, True)
    assert (found.host, found.keeps_alive, found.expects_continue) == ("localhost:1", True, False)


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("X-Other: 1", True),
        ("Expect: 100-Continue", True),
        ("Transfer-Encoding: chunked", False),
        ("Upgrade: websocket", False),
    ],
)
def test_what_the_lane_cannot_do_is_not_plain(line: str, plain: bool) -> None:
    length = [] if "chunked" in line else ["Content-Length: 1"]
    assert parse_head(head("POST / HTTP/1.1", "Host: a", *length, line), 10).plain is plain


@pytest.mark.parametrize("first", ["GET / HTTP/1.1", "POST / HTTP/1.0", "PUT / HTTP/1.1"])
def test_other_methods_and_versions_are_not_plain(first: str) -> None:
    assert not parse_head(head(first, "Host: a", "Content-Length: 0"), 10).plain


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("",), 400),
        (("POST /",), 400),
        (("POST  / HTTP/1.1", "Host: a"), 400),
        (("POST / HTTP/2.0", "Host: a"), 400),
        (("POST / HTTP/1.1 ", "Host: a"), 400),
        (("P\u00d6ST / HTTP/1.1", "Host: a"), 400),
        (("POST / HTTP/1.1",), 400),
        (("POST / HTTP/1.1", "Host: a", "no colon"), 400),
        (("POST / HTTP/1.1", "Host: a", " folded: b"), 400),
        (("POST / HTTP/1.1", "Host : a"), 400),
        (("POST / HTTP/1.1", "Host: a", "X: a\nY: b"), 400),
        (("POST / HTTP/1.1", "Host: a", "X: a\0b"), 400),
        (("POST / HTTP/1.1", "Host: a", "Host: b"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: +1"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: -1"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: 0x1"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: 9999999999999"), 400),
        (("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (("POST / HTTP/1.1", "Host: a", "Expect: tea"), 417),
        (("POST / HTTP/1.1", *[f"X-{each}: a" for each in range(11)]), 431),
    ],
)
def test_a_head_that_breaks_a_rule_is_refused(lines: tuple[str, ...], status: int) -> None:
    with pytest.raises(BadHead) as refused:
        parse_head(head(*lines), 10)
    assert refused.value.status == status
