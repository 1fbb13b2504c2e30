"""What all transactions of a block have in common: rules, header fields, a virtual machine."""

import msgspec

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.kzg import KzgVerifier
from node.execution_blob_gas import blob_base_fee, blob_gas_max
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.header import Header
from primitives.ids import Gas, Hash32
from primitives.kzg import CkzgVerifier
from primitives.params import ChainParams

ANCESTORS_MAX = 256
"""How many blocks below instructions can ask for (BLOCKHASH)."""


class ExecutionEngine:
    """The virtual machines of all forks, each with its cache of decoded code.

    What is in a cache cannot be observed, so one engine may serve all nodes of a process.

    Args:
        kzg: verifies openings; c-kzg unless given, which loads its setup when it is first asked.
    """

    __slots__ = ("_machines", "kzg")

    def __init__(self, kzg: KzgVerifier | None = None) -> None:
        self.kzg = CkzgVerifier() if kzg is None else kzg
        self._machines: dict[Fork, Evm] = {}

    def evm(self, fork: Fork) -> Evm:
        """Return the machine that follows the rules of `fork`."""
        machine = self._machines.get(fork)
        if machine is None:
            machine = self._machines[fork] = Evm(fork)
        return machine


class BlockHashes(msgspec.Struct, frozen=True, gc=False):
    """Answers BLOCKHASH: a function that can be sent to another process."""

    number: int
    """Height of the block that asks."""
    hashes: tuple[Hash32, ...]
    """Of the blocks below, the parent first."""

    def __call__(self, number: int) -> Hash32:
        """Return the hash of a block below.

        Raises:
            InvalidInput: it is none of the 256 blocks below, or not known here.
        """
        place = self.number - 1 - number
        if not 0 <= place < len(self.hashes):
            expected = f"one of the {len(self.hashes)} blocks below {self.number}"
            raise InvalidInput("block.number", expected, number)
        return self.hashes[place]


class BlockSetting(msgspec.Struct, frozen=True):
    """A block, as far as its execution depends on more than its transactions."""

    params: ChainParams
    """In force for the block: without upgrades to come."""
    context: BlockContext
    evm: Evm
    parent_hash: Hash32
    parent_beacon_root: Hash32 | None
    """Handed to the contract of EIP-4788; None before Cancun."""

    @property
    def blob_gas_max(self) -> Gas:
        """Most blob gas of the block."""
        return blob_gas_max(self.params)


def block_setting(
    header: Header, ancestors: tuple[Hash32, ...], params: ChainParams, engine: ExecutionEngine
) -> BlockSetting:
    """Return the setting of a block.

    Args:
        header: of the block; what execution computes is not looked at.
        ancestors: hashes of the blocks below, the parent first.
        params: the chain's rules, with upgrades or without.
        engine: has the virtual machine.
    """
    rules = params.at(header.timestamp)
    randao = header.prev_randao
    if rules.fork < Fork.PARIS:
        randao = Hash32(header.difficulty.to_bytes(32, "big"))
    context = BlockContext(
        fork=rules.fork,
        chain_id=rules.chain_id,
        number=header.number,
        timestamp=header.timestamp,
        fee_recipient=header.fee_recipient,
        gas_limit=header.gas_limit,
        base_fee=header.base_fee_per_gas,
        prev_randao=randao,
        blob_base_fee=blob_base_fee(header.excess_blob_gas or 0, rules),
        block_hash=BlockHashes(header.number, ancestors),
        kzg=engine.kzg,
    )
    return BlockSetting(
        rules,
        context,
        engine.evm(rules.fork),
        header.parent_hash,
        header.parent_beacon_block_root,
    )
