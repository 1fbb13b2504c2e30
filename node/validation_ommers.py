"""Ommers: headers of blocks beside the chain, which blocks before Paris could name.

Reference: Yellow Paper, section 11.1.
"""

from collections.abc import Sequence

from node.validation_errors import InvalidBlock, WrongOmmers
from node.validation_header import check_header, require_equal
from primitives.block import Block
from primitives.header import Header, encode_header, header_hash
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.rlp import encode_list

OMMERS_MAX = 2
GENERATIONS = 7
"""Of blocks below: an ommer's parent is one of them, but not the block's own parent."""


def ommers_hash(ommers: Sequence[Header]) -> Hash32:
    """Return the hash that a header commits to its ommers with."""
    return keccak256(encode_list([encode_header(ommer) for ommer in ommers]))


def check_ommers(block: Block, relatives: Sequence[Block], params: ChainParams) -> None:
    """Check the ommers of a block before Paris.

    Args:
        block: its header is checked already.
        relatives: the blocks below, the parent first, `GENERATIONS` of them or down to genesis.
        params: in force for the block.

    Raises:
        WrongOmmers: they are not those of the header, too many, too old, relatives, named before,
            or no valid headers.
    """
    header = block.header
    require_equal(WrongOmmers, "header.ommers_hash", ommers_hash(block.ommers), header.ommers_hash)
    if len(block.ommers) > OMMERS_MAX:
        raise WrongOmmers("block.ommers", f"at most {OMMERS_MAX}", len(block.ommers))
    below = {header_hash(each.header): each.header for each in relatives[:GENERATIONS]}
    named = {header_hash(ommer) for each in relatives[:GENERATIONS] for ommer in each.ommers}
    for index, ommer in enumerate(block.ommers):
        where, name = f"block.ommers[{index}]", header_hash(ommer)
        if name in named or name in below:
            raise WrongOmmers(where, "a block that is not in the chain", name.hex())
        named.add(name)
        parent = below.get(ommer.parent_hash)
        if parent is None or ommer.parent_hash == header.parent_hash:
            expected = "a parent among the block's grandparents"
            raise WrongOmmers(where, expected, ommer.parent_hash.hex())
        try:
            check_header(ommer, parent, ommer.parent_hash, params)
        except InvalidBlock as error:
            raise WrongOmmers(f"{where}: {error.where}", error.expected, error.actual) from error
