"""Arguments of calls: what is taken, and go-ethereum's words for what is not."""

from collections.abc import Callable

import pytest

from node.rpc.arguments import (
    BadArgument,
    address,
    boolean,
    data,
    hash32,
    kind,
    mapping,
    optional,
    quantity,
    quantity64,
    required,
    text,
)
from node.rpc.errors import RpcError

UNFIT = "json: cannot unmarshal"
INTO = "into Go value of type"


@pytest.mark.parametrize(
    ("decode", "value", "expected"),
    [
        (quantity, "0x0", 0),
        (quantity, "0xfF", 255),
        (quantity, "0X10", 16),
        (quantity, "0x" + "f" * 64, 2**256 - 1),
        (quantity64, "0xffffffffffffffff", 2**64 - 1),
        (data, "0x", b""),
        (data, "0x00fF", b"\x00\xff"),
        (address, "0x" + "Ab" * 20, b"\xab" * 20),
        (hash32, "0x" + "01" * 32, b"\x01" * 32),
        (boolean, False, False),
        (text, "\u00e9", "\u00e9"),
    ],
)
def test_what_is_well_formed_is_taken(
    decode: Callable[[object], object], value: object, expected: object
) -> None:
    assert decode(value) == expected


@pytest.mark.parametrize(
    ("decode", "value", "message"),
    [
        (quantity, 1, f"{UNFIT} non-string {INTO} *hexutil.Big"),
        (quantity, "", f"{UNFIT} empty hex string {INTO} *hexutil.Big"),
        (quantity, "1", f"{UNFIT} hex string without 0x prefix {INTO} *hexutil.Big"),
        (quantity, "0x", f'{UNFIT} hex string "0x" {INTO} *hexutil.Big'),
        (quantity, "0x00", f"{UNFIT} hex number with leading zero digits {INTO} *hexutil.Big"),
        (quantity, "0x1_0", f"{UNFIT} invalid hex string {INTO} *hexutil.Big"),
        (quantity, "0x 1", f"{UNFIT} invalid hex string {INTO} *hexutil.Big"),
        (quantity, "0x\u0661", f"{UNFIT} invalid hex string {INTO} *hexutil.Big"),
        (quantity, "0x1" + "0" * 64, f"{UNFIT} hex number > 256 bits {INTO} *hexutil.Big"),
        (quantity64, "0x1" + "0" * 16, f"{UNFIT} hex number > 64 bits {INTO} hexutil.Uint64"),
        (data, "0x0", f"{UNFIT} hex string of odd length {INTO} hexutil.Bytes"),
        (data, "0x0g", f"{UNFIT} invalid hex string {INTO} hexutil.Bytes"),
        (data, "0x0 0 ", f"{UNFIT} invalid hex string {INTO} hexutil.Bytes"),
        (data, None, f"{UNFIT} non-string {INTO} hexutil.Bytes"),
        (address, "0x01", "hex string has length 2, want 40 for common.Address"),
        (address, "0x" + "zz" * 20, f"{UNFIT} invalid hex string {INTO} common.Address"),
        (hash32, "0x" + "01" * 33, "hex string has length 66, want 64 for common.Hash"),
        (boolean, 0, f"{UNFIT} number {INTO} bool"),
        (boolean, "true", f"{UNFIT} string {INTO} bool"),
        (text, [], f"{UNFIT} array {INTO} string"),
    ],
)
def test_what_is_not_is_refused_in_go_ethereums_words(
    decode: Callable[[object], object], value: object, message: str
) -> None:
    with pytest.raises(BadArgument) as refused:
        decode(value)
    assert str(refused.value) == message


def test_a_mapping_is_named_by_its_type() -> None:
    assert mapping({"a": 1}, "T") == {"a": 1}
    with pytest.raises(BadArgument, match=f"{UNFIT} array {INTO} T"):
        mapping([], "T")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "bool"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ({}, "object"),
        ([], "array"),
    ],
)
def test_kinds_are_named_as_go_names_them(value: object, name: str) -> None:
    assert kind(value) == name


@pytest.mark.parametrize("parameters", [(), ("0x1",), ("0x1", None)])
def test_a_required_argument_that_is_missing_or_null_is_named_by_its_place(
    parameters: tuple[object, ...],
) -> None:
    with pytest.raises(RpcError) as refused:
        required(parameters, 1, quantity)
    assert refused.value.code == -32602
    assert str(refused.value) == "missing value for required argument 1"


def test_an_optional_argument_may_be_left_out_or_null_but_not_be_wrong() -> None:
    assert optional((), 0, quantity, None) is None
    assert optional((None,), 0, quantity, 7) == 7
    assert optional(("0x1",), 0, quantity, None) == 1
    with pytest.raises(RpcError) as refused:
        optional(("1",), 0, quantity, None)
    expected = f"invalid argument 0: {UNFIT} hex string without 0x prefix {INTO} *hexutil.Big"
    assert (refused.value.code, str(refused.value)) == (-32602, expected)
