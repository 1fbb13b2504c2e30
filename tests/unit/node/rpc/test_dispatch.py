"""JSON-RPC 2.0, rule by rule, as dispatch applies it to bytes."""

import json
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from network.transport.bucket import TokenBucket
from node.rpc.backend import Backend
from node.rpc.caller import NOWHERE, Caller
from node.rpc.dispatch import Dispatcher
from node.rpc.limits import Requests
from node.rpc.methods import Method, method_table
from primitives.ids import Instant
from tests.unit.node.rpc.server_rig import Gate, methods, request, run

NO_LIMIT = 1 << 40


class Desk:
    """A dispatcher and one caller of it."""

    def __init__(
        self,
        limits: Requests | None = None,
        burst: int = NO_LIMIT,
        *,
        has_admins: bool = True,
        table: Mapping[str, Method] | None = None,
    ) -> None:
        self.dispatcher = Dispatcher(
            cast("Backend", None),
            method_table(methods(Gate())) if table is None else table,
            {},
            limits or Requests(),
            has_admins=has_admins,
        )
        self.caller = Caller(1, NOWHERE, TokenBucket(1, burst, Instant(0)))

    async def send(self, body: object) -> Any:
        """Return what the caller gets, None for nothing."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.dispatcher.answer(raw, self.caller)
        if not isinstance(answer, bytes):
            answer = await answer
        return json.loads(answer) if answer else None


def asked(body: object, desk: Desk | None = None) -> Any:
    """Return the answer to one body."""
    answers: list[Any] = []

    async def test() -> None:
        answers.append(await (desk or Desk()).send(body))

    run(test)
    return answers[0]


def failed(id_: object, code: int, message: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}


def test_a_call_is_answered_with_its_result_and_its_id() -> None:
    assert asked(request("test_number")) == {"jsonrpc": "2.0", "id": 1, "result": "0x10"}


@pytest.mark.parametrize("id_", [0, -1, 1.5, "", "a\u00e9\n", None, 2**60])
def test_an_id_is_a_string_a_number_or_null_and_comes_back_as_it_was(id_: object) -> None:
    assert asked(request("test_number", id_=id_))["id"] == id_


def test_a_long_number_comes_back_to_the_digit() -> None:
    raw = b'{"jsonrpc":"2.0","method":"test_number","id":1234567890123456789012345678901234567890}'
    desk = Desk()
    answer = desk.dispatcher.answer(raw, desk.caller)
    assert isinstance(answer, bytes)
    assert b'"id":1234567890123456789012345678901234567890,' in answer


@pytest.mark.parametrize("id_", [True, [], {}, ["a"], {"a": 1}])
def test_any_other_id_makes_the_request_invalid(id_: object) -> None:
    assert asked(request("test_number", id_=id_)) == failed(None, -32600, "invalid request")


def test_a_request_without_an_id_is_a_notification_and_gets_no_answer() -> None:
    for method in ("test_number", "test_crash", "test_nothing", "test_late_error", "test_later"):
        assert asked({"jsonrpc": "2.0", "method": method}) is None


def test_an_id_of_null_is_no_notification() -> None:
    assert asked(request("test_number", id_=None))["result"] == "0x10"


@pytest.mark.parametrize("params", [{}, {"params": []}, {"params": None}])
def test_params_may_be_left_out_empty_or_null(params: dict[str, object]) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "test_echo", **params}
    assert asked(call)["result"] == []


def test_params_by_name_are_refused_as_go_ethereum_does() -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "test_echo", "params": {"a": 1}}
    assert asked(call) == failed(1, -32602, "non-array args")


def test_arguments_beyond_what_the_method_takes_are_refused() -> None:
    found = asked(request("test_echo", 1, 2, 3, 4))
    assert found == failed(1, -32602, "too many arguments, want at most 3")


def test_arguments_come_to_the_handler_as_they_were_sent() -> None:
    sent = ["0x1", {"a": [None, True, 1.5]}, "\u00e9"]
    assert asked(request("test_echo", *sent))["result"] == sent


def test_members_that_the_specification_does_not_know_are_ignored() -> None:
    call = {**request("test_number"), "extra": {"deep": [1, 2]}}
    assert asked(call)["result"] == "0x10"


def test_the_last_of_two_equal_members_counts() -> None:
    raw = b'{"jsonrpc":"2.0","id":1,"method":"test_no","method":"test_number","id":2}'
    assert asked(raw) == {"jsonrpc": "2.0", "id": 2, "result": "0x10"}


@pytest.mark.parametrize("version", ["1.0", "", "2", None])
def test_another_version_is_an_invalid_request(version: str | None) -> None:
    call = {**request("test_number"), "jsonrpc": version}
    assert asked(call) == failed(1, -32600, "invalid request")


def test_a_missing_version_is_an_invalid_request() -> None:
    assert asked({"id": 7, "method": "test_number"}) == failed(7, -32600, "invalid request")


@pytest.mark.parametrize(
    "body",
    [b'"text"', b"1", b"null", b"true", b"{}", b'{"jsonrpc":"2.0","method":1}', b'{"method":null}'],
)
def test_json_that_is_no_request_is_an_invalid_request_without_an_id(body: bytes) -> None:
    assert asked(body) == failed(None, -32600, "invalid request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"jsonrpc": "2.0", "method": "test_number", "params": [1, }',
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
        b"[1,",
        b"{}{}",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1,"method":"test_echo","params":'
        + b"[" * 9_000
        + b"]" * 9_000
        + b"}",
    ],
)
def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    found = asked(body)
    assert found["id"] is None
    assert found["error"]["code"] == -32700
    assert found["error"]["message"].startswith("parse error: ")


def test_arguments_nested_too_deep_are_a_parse_error_of_that_call() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    found = asked(b'{"jsonrpc":"2.0","id":1,"method":"test_echo","params":' + deep + b"}")
    assert found["error"]["code"] == -32700


def test_an_unknown_method_is_named_in_go_ethereums_words() -> None:
    expected = "the method eth_nothing does not exist/is not available"
    assert asked(request("eth_nothing")) == failed(1, -32601, expected)


def test_a_very_long_method_is_not_repeated_in_full() -> None:
    assert len(asked(request("x" * 10_000))["error"]["message"]) < 200


def test_a_revert_has_code_3_and_what_was_returned() -> None:
    expected = {"code": 3, "message": "execution reverted: no", "data": "0x08c3"}
    assert asked(request("test_revert"))["error"] == expected


def test_a_refusal_that_comes_later_is_answered_like_one_at_once() -> None:
    assert asked(request("test_late_error")) == failed(1, -32000, "nonce too low")


@pytest.mark.parametrize("method", ["test_crash", "test_late_crash", "test_unencodable"])
def test_a_fault_of_a_method_is_logged_and_tells_nothing_of_the_nodes_insides(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "node.rpc.dispatch"):
        assert asked(request(method)) == failed(1, -32603, "method handler crashed")
    (record,) = caplog.records
    assert method in record.getMessage()
    assert record.exc_info is not None


# ---------------------------------------------------------------- batches


def test_a_batch_is_answered_in_order_without_its_notifications() -> None:
    batch = [
        request("test_number", id_="a"),
        request("test_later", id_="b"),
        {"jsonrpc": "2.0", "method": "test_number"},
        7,
        request("test_nothing", id_="c"),
        request("test_late_error", id_="d"),
        [],
    ]
    found = asked(batch)
    assert [each["id"] for each in found] == ["a", "b", None, "c", "d", None]
    codes = [each.get("error", {}).get("code") for each in found]
    assert codes == [None, None, -32600, -32601, -32000, -32600]


def test_a_batch_within_a_batch_is_an_invalid_request() -> None:
    assert asked([[request("test_number")]]) == [failed(None, -32600, "invalid request")]


def test_an_empty_batch_is_one_invalid_request() -> None:
    assert asked([]) == failed(None, -32600, "empty batch")


def test_a_batch_of_notifications_gets_no_answer_at_all() -> None:
    assert asked([{"jsonrpc": "2.0", "method": "test_number"}] * 3) is None


def test_space_before_a_batch_does_not_hide_it() -> None:
    body = b" \r\n\t" + json.dumps([request("test_number")]).encode()
    assert asked(body) == [{"jsonrpc": "2.0", "id": 1, "result": "0x10"}]


def test_a_batch_with_one_item_too_many_is_refused_as_a_whole() -> None:
    batch = [request("test_number", id_=id_) for id_ in range(4)]
    desk = Desk(Requests(batch_items=3))
    assert asked(batch, desk) == failed(None, -32600, "batch too large")
    assert len(asked(batch[:3], desk)) == 3


def test_when_a_batchs_answers_are_too_long_the_rest_is_not_even_run() -> None:
    desk = Desk(Requests(response_bytes=1_000))
    batch = [request("test_large", 600, id_=id_) for id_ in range(3)] + [request("test_number")]
    found = asked(batch, desk)
    assert "result" in found[0]
    assert [each["error"] for each in found[1:]] == [
        {"code": -32003, "message": "response too large"}
    ] * 3
    assert desk.dispatcher.calls["test_large"] == 2
    assert desk.dispatcher.calls["test_number"] == 0


# ---------------------------------------------------------------- limits


def test_one_answer_may_not_be_longer_than_the_limit_either() -> None:
    desk = Desk(Requests(response_bytes=1_000))
    assert asked(request("test_large", 2_000), desk) == failed(1, -32003, "response too large")


def test_a_body_that_is_too_long_is_refused_before_it_is_decoded() -> None:
    desk = Desk(Requests(body_bytes=20_000))
    found = asked(b"[" * 20_001, desk)
    assert found["error"]["code"] == -32600
    assert "at most 20000 bytes" in found["error"]["message"]


@pytest.mark.parametrize("item", [b"[],", b"{},", b"0,", b'"",'])
def test_a_body_of_too_many_small_values_is_refused_before_it_is_decoded(item: bytes) -> None:
    body = b"[" + item * 200_000 + b"0]"
    found = asked(body)
    assert found == failed(None, -32005, "expected at most 100000 values in one request")


def test_who_asks_for_more_than_its_rate_is_refused_by_cost() -> None:
    desk = Desk(burst=2_002)
    assert "result" in asked(request("test_dear"), desk)
    desk.caller.bucket._since = Instant(1 << 62)  # time stands still from here on
    desk.caller.bucket._nanotokens = 1_002 * 10**9
    assert "result" in asked(request("test_dear"), desk)
    refused = failed(1, -32005, "request rate exceeded, slow down")
    assert asked(request("test_dear"), desk) == refused
    assert "result" in asked(request("test_number"), desk)
    assert "result" in asked(request("test_number"), desk)
    assert asked(request("test_number"), desk) == refused
    assert asked(request("test_nothing"), desk) == refused


def test_a_call_that_takes_too_long_is_given_up() -> None:
    desk = Desk(Requests(call_seconds=0.01))
    assert asked(request("test_wait"), desk) == failed(1, -32002, "request timed out")
    assert desk.dispatcher.waiting == 0


# ---------------------------------------------------------------- admins and tables


def test_an_admin_method_needs_the_token() -> None:
    desk = Desk()
    reason = "test_admin needs the header Authorization: Bearer TOKEN"
    assert asked(request("test_admin"), desk) == failed(1, -32000, reason)
    desk.caller.admin = True
    assert asked(request("test_admin"), desk)["result"] is True


def test_where_nobody_is_an_admin_their_methods_do_not_exist() -> None:
    expected = "the method test_admin does not exist/is not available"
    assert asked(request("test_admin"), Desk(has_admins=False)) == failed(1, -32601, expected)


def test_two_methods_of_one_name_are_refused() -> None:
    method = Method("eth_twice", lambda _, __: None)
    with pytest.raises(ValueError, match="eth_twice"):
        method_table((method,), (method,))


def test_calls_are_counted_by_method_and_failures_by_code() -> None:
    desk = Desk()
    for method in ("test_number", "test_number", "test_nothing", "test_revert"):
        asked(request(method), desk)
    assert desk.dispatcher.calls == {"test_number": 2, "test_revert": 1}
    assert desk.dispatcher.failures == {-32601: 1, 3: 1}
