"""Bytes to requests, and results to bytes, by JSON-RPC 2.0.

A body is checked against its limits before anything is made of it: small values take some thirty
times their bytes once they are Python objects, so their number is bounded too. Arguments and ids
stay bytes until they are needed; an id goes back exactly as it came.

Reference: https://www.jsonrpc.org/specification sections 4 to 6.
"""

import msgspec

from node.rpc.errors import RpcError, invalid_params, invalid_request, limit_exceeded, parse_error
from node.rpc.limits import KIBIBYTE, Requests

VERSION = "2.0"
NO_ID = msgspec.Raw(b"null")
"""Of an answer to what has no id that could be read."""

_SMALL = 16 * KIBIBYTE
"""A body so short cannot hold enough values to matter."""
_STRUCTURAL = (b",", b"[", b"{")
_NOTHING = msgspec.Raw()
_SPACE = b" \t\r\n"


class Request(msgspec.Struct, gc=False):
    """A call as it comes, its members not judged yet."""

    method: str
    id: msgspec.Raw = _NOTHING
    """Empty if there is none: the caller wants no answer."""
    params: msgspec.Raw = _NOTHING
    jsonrpc: str = ""


class _Named(msgspec.Struct, gc=False):
    """All that can be said of an object that is no request."""

    id: msgspec.Raw = _NOTHING


_decode_request = msgspec.json.Decoder(Request).decode
_decode_named = msgspec.json.Decoder(_Named).decode
_decode_list = msgspec.json.Decoder(list[object]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode


def check_size(body: bytes, limits: Requests) -> None:
    """Refuse a body that would cost too much to decode.

    Raises:
        RpcError: it is too long or has too many values.
    """
    if len(body) <= _SMALL:
        return
    if len(body) > limits.body_bytes:
        raise invalid_request(f"request too large, expected at most {limits.body_bytes} bytes")
    if sum(body.count(mark) for mark in _STRUCTURAL) > limits.values:
        raise limit_exceeded(f"expected at most {limits.values} values in one request")


def is_batch(body: bytes) -> bool:
    """Tell whether the body is a JSON array."""
    return body[:1] == b"[" or body.lstrip(_SPACE)[:1] == b"["


def batch_items(body: bytes, limits: Requests) -> list[msgspec.Raw]:
    """Split a batch.

    Raises:
        RpcError: it is no JSON, is empty or has too many items.
    """
    try:
        items = _decode_items(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise parse_error(str(error)) from None
    if not items:
        raise invalid_request("empty batch")
    if len(items) > limits.batch_items:
        raise invalid_request("batch too large")
    return items


def read_request(body: bytes | msgspec.Raw) -> Request:
    """Decode one request.

    Raises:
        RpcError: it is no JSON, or no request; `id_of` finds whom to tell.
    """
    try:
        request = _decode_request(body)
    except msgspec.ValidationError:
        check_json(body)
        raise invalid_request() from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise parse_error(str(error)) from None
    if request.jsonrpc != VERSION:
        raise invalid_request()
    if not _may_be_id(request.id):
        raise invalid_request()
    return request


def check_json(body: bytes | msgspec.Raw) -> None:
    """Refuse what is no JSON from its beginning to its end.

    Raises:
        RpcError: it is none.
    """
    try:
        _decode_raw(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise parse_error(str(error)) from None


def id_of(body: bytes | msgspec.Raw) -> msgspec.Raw:
    """Return the id of something that is no request, `NO_ID` if it has none that is usable."""
    try:
        found = _decode_named(body).id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return NO_ID
    return found if bytes(found) and _may_be_id(found) else NO_ID


def arguments_of(request: Request, most: int) -> list[object]:
    """Decode a request's arguments; none and null are as good as an empty list.

    Raises:
        RpcError: they are not in a list, or more than `most`.
    """
    raw = bytes(request.params)
    if raw in (b"", b"[]", b"null"):
        return []
    try:
        values = _decode_list(raw)
    except msgspec.ValidationError:
        raise invalid_params("non-array args") from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise parse_error(str(error)) from None
    if len(values) > most:
        raise invalid_params(f"too many arguments, want at most {most}")
    return values


def result_bytes(id_: msgspec.Raw, result: object) -> bytes:
    """Encode the answer to a call that went well."""
    return b"".join((b'{"jsonrpc":"2.0","id":', id_, b',"result":', _encode(result), b"}"))


def error_bytes(id_: msgspec.Raw, error: RpcError) -> bytes:
    """Encode the answer to a call that failed."""
    encoded = _encode(error.to_json())
    return b"".join((b'{"jsonrpc":"2.0","id":', id_, b',"error":', encoded, b"}"))


def notice_bytes(subscription: str, result: bytes) -> bytes:
    """Encode news for a subscription, of a result that is encoded already."""
    head = (
        f'{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{subscription}"'
    )
    return b"".join((head.encode(), b',"result":', result, b"}}"))


def encode_result(result: object) -> bytes:
    """Encode a result for `notice_bytes`."""
    return _encode(result)


def _may_be_id(raw: msgspec.Raw) -> bool:
    """Whether it is a string, a number, null, or not there."""
    text = bytes(raw)
    first = text[:1]
    if first == b'"':
        return text.isascii() or _is_utf8(text)
    return first not in (b"{", b"[", b"t", b"f")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
