"""Encoding of calls, compared with eth_abi."""

import pytest
from eth_abi.abi import encode
from hypothesis import given, strategies as st

from primitives.keccak import keccak256
from sim.contracts import (
    MalformedCall,
    encode_arguments,
    encode_call,
    mapping_slot,
    packed_word,
    selector,
)

ADDRESS = b"\xaa" * 20


def sized() -> st.SearchStrategy[tuple[str, object]]:
    """Return types with values of every static and dynamic kind."""
    widths = st.integers(1, 32)
    return st.one_of(
        widths.flatmap(
            lambda n: st.tuples(st.just(f"uint{8 * n}"), st.integers(0, 2 ** (8 * n) - 1))
        ),
        widths.flatmap(
            lambda n: st.tuples(
                st.just(f"int{8 * n}"), st.integers(-(2 ** (8 * n - 1)), 2 ** (8 * n - 1) - 1)
            )
        ),
        widths.flatmap(
            lambda n: st.tuples(st.just(f"bytes{n}"), st.binary(min_size=n, max_size=n))
        ),
        st.tuples(st.just("address"), st.binary(min_size=20, max_size=20)),
        st.tuples(st.just("bool"), st.booleans()),
        st.tuples(st.just("bytes"), st.binary(max_size=100)),
        st.tuples(st.just("string"), st.text(max_size=40)),
        st.tuples(st.just("uint256[]"), st.lists(st.integers(0, 2**256 - 1), max_size=4)),
        st.tuples(st.just("bytes[]"), st.lists(st.binary(max_size=40), max_size=4)),
        st.tuples(
            st.just("string[][]"), st.lists(st.lists(st.text(max_size=5), max_size=3), max_size=3)
        ),
    )


@given(st.lists(sized(), max_size=6))
def test_arguments_are_encoded_as_eth_abi_does(drawn: list[tuple[str, object]]) -> None:
    kinds = [kind for kind, _ in drawn]
    values = [value for _, value in drawn]
    # eth_abi takes addresses as hex.
    theirs = ["0x" + bytes(v).hex() if k == "address" else v for k, v in drawn]  # type: ignore[call-overload]
    assert encode_arguments(kinds, values) == encode(kinds, theirs)  # type: ignore[arg-type]


def test_a_call_begins_with_its_selector() -> None:
    assert selector("transfer(address,uint256)").hex() == "a9059cbb"
    assert encode_call("totalSupply()") == selector("totalSupply()")
    assert encode_call("f(uint8,bytes)", 1, b"ab")[4:] == encode(["uint8", "bytes"], [1, b"ab"])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint7", 1),
        ("uint264", 1),
        ("uint", 1),
        ("int8", 128),
        ("int8", -129),
        ("bool", 1),
        ("address", b"\x01" * 19),
        ("bytes4", b"abc"),
        ("bytes33", b"a" * 33),
        ("bytes0", b""),
        ("bytes", "text"),
        ("string", b"bytes"),
        ("uint8[]", 1),
        ("uint8[]", [256]),
        ("word", 1),
        ("(uint8,uint8)", (1, 1)),
    ],
)
def test_values_that_do_not_fit_are_refused(kind: str, value: object) -> None:
    with pytest.raises(MalformedCall):
        encode_arguments([kind], [value])  # type: ignore[list-item]


@pytest.mark.parametrize("signature", ["f", "f(", "f(uint8", "(uint8)", "f(g(uint8))", "f()x"])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(MalformedCall):
        encode_call(signature)


def test_each_type_wants_a_value() -> None:
    with pytest.raises(MalformedCall, match="2 values"):
        encode_call("f(uint8,uint8)", 1)


def test_a_mapping_lies_where_solidity_puts_it() -> None:
    """Checked by hand: keccak of key and slot, the outer hash being the inner slot."""
    outer = keccak256(encode(["address", "uint256"], ["0x" + ADDRESS.hex(), 2]))
    assert mapping_slot(2, ADDRESS) == int.from_bytes(outer, "big")
    inner = keccak256(encode(["uint256"], [7]) + outer)
    assert mapping_slot(2, ADDRESS, 7) == int.from_bytes(inner, "big")


def test_packed_variables_share_a_word() -> None:
    assert packed_word((5, 0), (3, 14)) == 3 << 112 | 5
