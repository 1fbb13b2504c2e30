import re

import pytest

from primitives.address import (
    ZERO_ADDRESS,
    address_from_private_key,
    contract_address,
    format_address,
    parse_address,
)
from primitives.errors import CryptoError, InvalidInput
from primitives.ids import Address

# The examples of EIP-55.
CHECKSUMMED = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("text", CHECKSUMMED)
def test_checksum_is_that_of_eip_55(text: str) -> None:
    address = parse_address(text)
    assert address == bytes.fromhex(text[2:])
    assert format_address(address) == text


@pytest.mark.parametrize("text", CHECKSUMMED)
def test_text_in_one_case_carries_no_checksum(text: str) -> None:
    assert parse_address("0x" + text[2:].lower()) == parse_address(text)
    assert parse_address("0x" + text[2:].upper()) == parse_address(text)


def test_a_wrong_checksum_is_refused() -> None:
    wrong = "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    message = f"address: expected the checksum {CHECKSUMMED[4]}, got {wrong}"
    with pytest.raises(InvalidInput, match=re.escape(message)):
        parse_address(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "52908400098527886E0F7030069857D2E4169EE7",
        "0x52908400098527886E0F7030069857D2E4169EE",
        "0x52908400098527886E0F7030069857D2E4169EE7a",
        "0x52908400098527886E0F7030069857D2E4169EEg",
        "0X52908400098527886E0F7030069857D2E4169EE7",
        " 0x52908400098527886E0F7030069857D2E4169EE7",
        "0x5290840009852788 6E0F7030069857D2E4169EE7",
    ],
)
def test_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="address: expected 0x and 40 hexadecimal digits, got"):
        parse_address(text)


def test_long_text_is_shortened_in_the_message() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_address_of_a_private_key() -> None:
    key = bytes(31) + b"\x01"
    assert format_address(address_from_private_key(key)) == (
        "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
    )


@pytest.mark.parametrize("key", [b"", bytes(32), b"\xff" * 32, bytes(33)])
def test_no_address_without_a_private_key(key: bytes) -> None:
    with pytest.raises(CryptoError, match=r"private key: expected 32 bytes in \[1, order\)"):
        address_from_private_key(key)


@pytest.mark.parametrize(
    ("nonce", "created"),
    [
        (0, "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        (1, "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        (2, "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
    ],
)
def test_contract_addresses(nonce: int, created: str) -> None:
    creator = parse_address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert contract_address(creator, nonce) == parse_address(created)


def test_the_zero_address() -> None:
    assert format_address(ZERO_ADDRESS) == "0x" + "0" * 40
    assert Address(bytes(20)) == ZERO_ADDRESS
