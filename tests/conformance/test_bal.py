"""Public blocks with access lists (EIP-7928): their encoding, hash and size."""

from pathlib import Path

from primitives.block_access_list import (
    access_list_hash,
    check_order,
    decode_access_list,
    encode_access_list,
    item_count,
    items_max,
)
from primitives.ids import Gas
from tests.conformance.bal_cases import read_chains
from tests.conformance.material import report

FOLDER = "bal-amsterdam"
TOO_LONG = "BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED"


def test_public_access_lists_have_the_hash_that_their_headers_carry(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for chain in read_chains(vectors / "ethereum" / FOLDER):
        for block in chain.blocks:
            cases += 1
            check_order(block.access_list)
            if access_list_hash(block.access_list) != block.access_list_hash:
                failures.append(f"{block.name}: another hash")
            if decode_access_list(encode_access_list(block.access_list)) != block.access_list:
                failures.append(f"{block.name}: decodes to another list")
    report(failures, cases)


def test_public_access_lists_are_as_long_as_the_gas_limit_allows(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for chain in read_chains(vectors / "ethereum" / FOLDER):
        for block in chain.blocks:
            cases += 1
            limit = items_max(Gas(int(block.header["gasLimit"], 16)))
            if (item_count(block.access_list) > limit) != (block.error == TOO_LONG):
                failures.append(f"{block.name}: {item_count(block.access_list)} of {limit}")
    report(failures, cases)
