"""What the probes work on: a small chain, with signed transfers and calls for some full blocks.

Everything follows from constants, so every calibration does the same work. The sizes are those
of a usual run: as many accounts as a scenario has by default, and blocks as large as a node
builds them.
"""

import msgspec

from consensus.batching.policy import BatchLimits
from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.execution_base_fee import next_base_fee
from node.mempool import Mempool
from node.mempool_types import MempoolLimits
from node.validation import PooledTransaction, check_transaction
from primitives.account_key import AccountKey
from primitives.bls import BlsKey
from primitives.committee import Committee, Member
from primitives.genesis import Genesis
from primitives.ids import Address, Gas, Instant, NodeId, Wei
from primitives.keccak import keccak256
from primitives.keys import ValidatorKey
from primitives.params import ChainParams
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction
from sim.randomness import generator
from sim.workload.accounts import account_secret, equal_alloc
from sim.workload.calls import Call
from sim.workload.chores import Grinding
from sim.workload.options import ETHER, GWEI, TRANSFER_GAS
from sim.workload.setting import Setting
from sim.workload.site import Site
from sim.workload.tokens import place_token

SEED = 0
"""Of the accounts' keys."""
ACCOUNTS = 1_000
TRANSFERS = 1_000
BLOCK_TRANSACTIONS = 500
VALIDATORS = 16
CALLS = 10
IDLE_CALLS = 200
ROUNDS = 2_000
"""Of each call that computes; some 300,000 gas."""
FEE_RECIPIENT = Address(b"\xfe" * 20)
NOW = Instant(0)
"""The time of every turn; what is measured does not depend on it."""


class Material(msgspec.Struct, frozen=True):
    """A chain of one block, and transfers that wait for the next ones."""

    params: ChainParams
    keys: tuple[ValidatorKey, ...]
    """Of the committee, in its order."""
    vote_keys: tuple[BlsKey, ...]
    """Of the same validators."""
    committee: Committee
    genesis: ExecutedBlock
    """Its state trie is computed, so that the next block only updates it."""
    base_fee: Wei
    """Of the block after genesis, in wei per gas."""
    transfers: tuple[PooledTransaction, ...]
    """Checked, each sender's in order of nonce."""
    block: ExecutedBlock
    """The block after genesis, with as many of the transfers as a node puts into one."""
    token: Address
    """A contract of genesis; every account holds some of it."""
    computing: ExecutedBlock
    """Another block after genesis: calls that do nothing but compute."""
    calling: ExecutedBlock
    """Another one: calls that do next to nothing."""


def make_material() -> Material:
    """Make the chain and sign its transfers. Takes some tenths of a second."""
    params = ChainParams()
    keys = tuple(ValidatorKey(_digest("validator", index)) for index in range(VALIDATORS))
    vote_keys = tuple(BlsKey(_digest("validator-votes", index)) for index in range(VALIDATORS))
    committee = Committee(
        tuple(
            Member(NodeId(node), key.public_key, vote_key.public_key, vote_key.possession)
            for node, (key, vote_key) in enumerate(zip(keys, vote_keys, strict=True))
        )
    )
    secrets = [account_secret(SEED, index) for index in range(ACCOUNTS)]
    addresses = [AccountKey(secret).address for secret in secrets]
    alloc = equal_alloc(addresses, Wei(1_000_000 * ETHER))
    setting = Setting(addresses, generator(SEED, "calibrate"), Site(None))
    token = place_token(setting, 0).address
    mill, idle = Grinding(setting, ROUNDS), Grinding(setting, 0)
    contracts = setting.site.contracts
    genesis = genesis_executed(Genesis(params, alloc, committee, contracts=contracts))
    genesis.state.root()
    base_fee = next_base_fee(genesis.block.header, params)
    transfers = _transfers(params, secrets, addresses)
    pool = filled_pool(params, genesis, base_fee, transfers)
    chosen = pool.select(genesis.state, base_fee, params.gas_limit, BatchLimits(BLOCK_TRANSACTIONS))
    context = BuildContext(FEE_RECIPIENT, 1)
    block = build_block(genesis, chosen, context, params)
    blocks = [
        build_block(
            genesis,
            [_signed(params, secrets[k], 0, source.call(k), Wei(GWEI)) for k in range(count)],
            context,
            params,
        )
        for source, count in ((mill, CALLS), (idle, IDLE_CALLS))
    ]
    return Material(
        params,
        keys,
        vote_keys,
        committee,
        genesis,
        base_fee,
        transfers,
        block,
        token,
        *blocks,
    )


def filled_pool(
    params: ChainParams,
    genesis: ExecutedBlock,
    base_fee: Wei,
    transfers: tuple[PooledTransaction, ...] = (),
) -> Mempool:
    """Return a pool at genesis with these transfers."""
    pool = Mempool(params, MempoolLimits(), genesis.state, base_fee)
    for transfer in transfers:
        pool.add(NOW, transfer)
    return pool


def _transfers(
    params: ChainParams, secrets: list[bytes], addresses: list[Address]
) -> tuple[PooledTransaction, ...]:
    """Return transfers between accounts, amounts and tips that a hash draws."""
    nonces = [0] * ACCOUNTS
    transfers = []
    for index in range(TRANSFERS):
        drawn = _digest("transfer", index)
        sender, receiver, value, tip = (
            int.from_bytes(drawn[start : start + 8], "big") for start in (0, 8, 16, 24)
        )
        sender %= ACCOUNTS
        payment = Call(addresses[receiver % ACCOUNTS], 1 + value % ETHER, b"", TRANSFER_GAS)
        offered = Wei(GWEI + tip % GWEI)
        transfers.append(_signed(params, secrets[sender], nonces[sender], payment, offered))
        nonces[sender] += 1
    return tuple(transfers)


def _signed(
    params: ChainParams, secret: bytes, nonce: int, call: Call, tip: Wei
) -> PooledTransaction:
    unsigned = DynamicFeeTransaction(
        chain_id=params.chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=Wei(10 * GWEI),
        gas_limit=Gas(call.gas_limit),
        to=call.to,
        value=Wei(call.value),
        data=call.data,
    )
    return check_transaction(encode_transaction(sign_transaction(unsigned, secret)), params)


def _digest(label: str, index: int) -> bytes:
    return keccak256(f"orrery/calibrate/{label}/{index}".encode())
