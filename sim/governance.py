"""The governance account of a run: it hands in the committee changes of the timeline.

Each is a transaction like any other. It goes to a validator that is up, and after a while to
another one, until it is final: the node may crash, or be cut off from the rest.
"""

from collections.abc import Sequence
from functools import partial

from node.node import Node
from primitives.account_key import AccountKey
from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, encode_changes
from primitives.ids import Gas, NodeId, Wei
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
)
from primitives.transaction.gas import TRANSACTION
from sim.workload.accounts import account_secret
from sim.world import World

GWEI = 10**9
SECOND_NS = 1_000_000_000

ACCOUNT = 2**63
"""Its number among a run's accounts; a workload's begin at 0."""
BALANCE = Wei(1_000_000 * 10**18)
"""What genesis gives it, in wei."""
FEE_MAX = Wei(10_000 * GWEI)
TIP = Wei(100 * GWEI)
GAS_PER_BYTE = 64
"""More than a byte of calldata costs (EIP-7623)."""
AGAIN_NS = 5 * SECOND_NS
"""After how long a change that is not final is handed to another validator."""


def governance_account(seed: int) -> AccountKey:
    """Return the account that may change the committee in runs of `seed`."""
    return AccountKey(account_secret(seed, ACCOUNT))


def signed_changes(
    seed: int, chain_id: int, nonce: int, changes: tuple[CommitteeChange, ...]
) -> bytes:
    """Return the encoded transaction by which the governance account asks for changes.

    Args:
        seed: the run's seed.
        chain_id: of the chain.
        nonce: how many it has sent before.
        changes: what it asks for.
    """
    data = encode_changes(changes)
    unsigned = DynamicFeeTransaction(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=TIP,
        max_fee_per_gas=FEE_MAX,
        gas_limit=Gas(TRANSACTION + GAS_PER_BYTE * len(data)),
        to=COMMITTEE_ADDRESS,
        value=Wei(0),
        data=data,
    )
    return encode_transaction(sign_transaction(unsigned, account_secret(seed, ACCOUNT)))


class Governance:
    """Hands in committee changes.

    Args:
        world: whose committee changes; its clock must still be at 0.
        seed: the run's seed.
        changes: when each is handed in, in ns, and what it says; in order of time.
    """

    def __init__(
        self,
        world: World,
        seed: int,
        changes: Sequence[tuple[int, tuple[CommitteeChange, ...]]],
    ) -> None:
        self._world = world
        self._address = governance_account(seed).address
        chain_id = world.environment.genesis.params.chain_id
        for nonce, (at, each) in enumerate(changes):
            raw = signed_changes(seed, chain_id, nonce, each)
            world.kernel.act(at, partial(self._submit, nonce, raw, 0))

    def _submit(self, nonce: int, raw: bytes, turn: int) -> None:
        """Hand a change to the next validator that is up, unless it is final."""
        world = self._world
        account = world.head.state.account(self._address)
        if account is not None and account.nonce > nonce:
            return
        validators = [node for node in world.committee.nodes if self._is_up(node)]
        if validators:
            world.submit(world.now, validators[turn % len(validators)], raw)
        world.kernel.act(world.now + AGAIN_NS, partial(self._submit, nonce, raw, turn + 1))

    def _is_up(self, node: NodeId) -> bool:
        return self._world.is_honest(node) and isinstance(self._world.nodes[node], Node)
