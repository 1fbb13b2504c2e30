"""What instructions learn of the block."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.opcodes import Op

BLOCK_HASHES = 256
"""Hashes of so many blocks below are known."""


def blockhash(s: list[int], f: Frame) -> None:
    """BLOCKHASH; zero for the block itself, later ones and those too far below."""
    number = s[-1]
    if 0 < f.block.number - number <= BLOCK_HASHES:
        s[-1] = int.from_bytes(f.block.block_hash(number), "big")
    else:
        s[-1] = 0


def coinbase(s: list[int], f: Frame) -> None:
    """COINBASE."""
    s.append(int.from_bytes(f.block.fee_recipient, "big"))


def timestamp(s: list[int], f: Frame) -> None:
    """TIMESTAMP."""
    s.append(f.block.timestamp)


def number(s: list[int], f: Frame) -> None:
    """NUMBER."""
    s.append(f.block.number)


def prevrandao(s: list[int], f: Frame) -> None:
    """PREVRANDAO (EIP-4399); DIFFICULTY before Paris."""
    s.append(int.from_bytes(f.block.prev_randao, "big"))


def gaslimit(s: list[int], f: Frame) -> None:
    """GASLIMIT."""
    s.append(f.block.gas_limit)


def chainid(s: list[int], f: Frame) -> None:
    """CHAINID (EIP-1344)."""
    s.append(f.block.chain_id)


def basefee(s: list[int], f: Frame) -> None:
    """BASEFEE (EIP-3198)."""
    s.append(f.block.base_fee)


def blobbasefee(s: list[int], f: Frame) -> None:
    """BLOBBASEFEE (EIP-7516)."""
    s.append(f.block.blob_base_fee)


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Op.BLOCKHASH: blockhash,
        Op.COINBASE: coinbase,
        Op.TIMESTAMP: timestamp,
        Op.NUMBER: number,
        Op.PREVRANDAO: prevrandao,
        Op.GASLIMIT: gaslimit,
        Op.CHAINID: chainid,
        Op.BASEFEE: basefee,
        Op.BLOBBASEFEE: blobbasefee,
    }
)
