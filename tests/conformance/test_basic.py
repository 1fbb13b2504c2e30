"""Public vectors of the `basic` group, each file by its name; a file without a reader fails."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from primitives import rlp, secp256k1
from primitives.address import address_from_private_key, address_from_public_key
from primitives.fork import Fork
from primitives.ids import Address, Gas, Wei
from primitives.keccak import EMPTY_KECCAK, keccak256
from primitives.transaction import (
    LegacyTransaction,
    decode_transaction,
    encode_transaction,
    recover_sender,
    sign_transaction,
    signing_hash,
)
from primitives.trie import compact_path
from tests.conformance.abi import encode_arguments
from tests.conformance.ecies import decrypt_aes_ctr, decrypt_ecies
from tests.conformance.material import from_hex, number, read_files, report

Problems = Iterator[tuple[str, object, object]]
"""For each check: what it is, what was found, what was expected."""


def test_basic_vectors(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for path, content in read_files(vectors / "ethereum" / "basic"):
        check = CHECKS.get(path.name)
        if check is None:
            failures.append(f"{path.name}: no check for a file of this name")
            continue
        entries = content.items() if isinstance(content, dict) else enumerate(content)
        for name, case in entries:
            cases += 1
            for what, found, expected in check(case):
                if found != expected:
                    failures.append(f"{path.name} {name} {what}: {found!r}, not {expected!r}")
    report(failures, cases)


def _check_abi(case: Mapping[str, Any]) -> Problems:
    yield "encoding", encode_arguments(case["types"], case["args"]).hex(), case["result"]


def _check_hex_prefix(case: Mapping[str, Any]) -> Problems:
    nibbles = "".join(f"{nibble:x}" for nibble in case["seq"])
    yield "compact", compact_path(nibbles, is_leaf=case["term"]).hex(), case["out"]


def _check_key(case: Mapping[str, Any]) -> Problems:
    """Check the key and the address, and a signature of our own.

    The case's signature "of the empty string" fits neither its address nor any digest of the
    empty string that we know of; Nethermind leaves it out as wrong, and so do we.
    """
    key, address = from_hex(case["key"]), from_hex(case["addr"])
    yield "key of the seed", keccak256(case["seed"].encode()), key
    yield "address", address_from_private_key(key), address
    signer = secp256k1.recover(EMPTY_KECCAK, *secp256k1.sign(EMPTY_KECCAK, key))
    yield "signer of our own signature", address_from_public_key(signer), address


def _check_transaction(case: Mapping[str, Any]) -> Problems:
    key, signed = from_hex(case["key"]), from_hex(case["signed"])
    tx = LegacyTransaction(
        chain_id=None,
        nonce=number(case["nonce"]),
        gas_price=Wei(number(case["gasprice"])),
        gas_limit=Gas(number(case["startgas"])),
        to=Address(from_hex(case["to"])) or None,
        value=Wei(number(case["value"])),
        data=from_hex(case["data"]),
    )
    yield "signing hash", signing_hash(tx), keccak256(_without_signature(case["unsigned"]))
    decoded = decode_transaction(signed)
    yield "encoding", encode_transaction(decoded), signed
    sender = recover_sender(decoded, fork=Fork.FRONTIER)
    yield "sender", sender, address_from_private_key(key)
    yield "signing hash of the signed", signing_hash(decoded, signed), signing_hash(tx)
    yield "sender of our own", recover_sender(sign_transaction(tx, key)), sender


def _without_signature(unsigned: str) -> bytes:
    items = rlp.decode_list(from_hex(unsigned))
    assert items[6:] == [b"", b"", b""]
    return rlp.encode(items[:6])


def _check_decryption(case: Mapping[str, Any]) -> Problems:
    kind, key, text = case["decryption_type"], from_hex(case["key"]), from_hex(case["cipher"])
    assert kind in ("aes_ctr", "ecies_sec1_altered"), f"unknown decryption {kind}"
    found = decrypt_aes_ctr(key, text) if kind == "aes_ctr" else decrypt_ecies(key, text)
    yield "payload", found.hex(), case["payload"]


CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Problems]] = MappingProxyType(
    {
        "basic_abi_tests.json": _check_abi,
        "crypto.json": _check_decryption,
        "hexencodetest.json": _check_hex_prefix,
        "keyaddrtest.json": _check_key,
        "txtest.json": _check_transaction,
    }
)
