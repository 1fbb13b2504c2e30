"""A node with a chain, driven in virtual time, and the methods of JSON-RPC over it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import msgspec

from consensus.params import ConsensusParams
from consensus.signing import CommitteeVerifier, MemoVerifier
from network.conditions import Conditions
from node.config import Environment, NodeConfig
from node.execution import genesis_executed
from node.node import Node
from node.observe.sink import Sink
from node.rpc.backend import Backend, Peer, SubmitOutcome
from node.rpc.errors import RpcError
from node.rpc.methods import Method, method_table
from node.rpc.node_methods import MethodLimits, NodeMethods
from node.shared import ComputeCache
from node.storage_config import StateForm, StorageConfig
from primitives.committee import Committee
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Address, Gas, Hash32, Instant, NodeId, Wei
from primitives.keys import Ed25519Verifier
from primitives.params import ChainParams
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
    transaction_hash,
)
from storage.store import SnapshotStore
from tests.unit.node.harness import MILLISECOND, PARAMS, Harness, validator_key
from tests.unit.node.transfers import ETHER, GWEI, account, private_key

CHAIN = ChainParams(base_fee_initial=Wei(GWEI), checkpoint_interval=4)
FLAT = StorageConfig(StateForm.FLAT, state_history=8)


@dataclass
class RigBackend:
    """A `Backend` over a node of the harness. Sending lets time pass, until there is an answer."""

    harness: Harness
    index: int = 0
    sinks: list[Sink] = field(default_factory=list)
    asked: list[object] = field(default_factory=list)
    connected: Sequence[Peer] = ()

    @property
    def node(self) -> Node:
        return self.harness.node(self.index)

    @property
    def config(self) -> NodeConfig:
        return self.harness.places[self.index].config

    @property
    def environment(self) -> Environment:
        return self.harness.places[self.index].environment

    @property
    def store(self) -> SnapshotStore:
        return self.harness.places[self.index].store

    async def submit(self, raw: bytes) -> SubmitOutcome:
        seen = len(self.harness.trace)
        digest = transaction_hash(raw)
        self.harness.submit(self.index, raw)
        self.harness.run(0)
        for _, _, event in self.harness.trace[seen:]:
            if event.name == "txpool.rejected" and event.hash == digest:  # type: ignore[attr-defined]
                return SubmitOutcome(digest, event.code)  # type: ignore[attr-defined]
        return SubmitOutcome(digest)

    def now(self) -> Instant:
        return Instant(self.harness.now)

    def uptime_ns(self) -> int:
        return self.harness.now

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    def peers(self) -> Sequence[Peer]:
        return self.connected

    def block_peers(self, nodes: Sequence[NodeId]) -> None:
        self.asked.append(("block", list(nodes)))

    def ignore_peers(self, nodes: Sequence[NodeId]) -> None:
        self.asked.append(("ignore", list(nodes)))

    def unblock_peers(self) -> None:
        self.asked.append("unblock")

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        self.asked.append(("links", dict(links)))

    def stop(self) -> None:
        self.asked.append("stop")

    def profile(self, action: str) -> object:
        self.asked.append(("profile", action))
        return {"state": action}


class Rig:
    """A chain, and whoever asks about it.

    Args:
        validators: nodes; the first one is asked.
        contracts: of genesis.
        chain: its rules.
        storage: how the nodes keep their states.
        history: final blocks that they keep.
        limits: of methods.
        consensus: its parameters.
        reads_store: whether states stay in the store.
        config: of all nodes.
    """

    def __init__(
        self,
        validators: int = 1,
        contracts: tuple[GenesisContract, ...] = (),
        chain: ChainParams = CHAIN,
        storage: StorageConfig = FLAT,
        history: int | None = 1_024,
        limits: MethodLimits | None = None,
        consensus: ConsensusParams = PARAMS,
        reads_store: bool = False,
        **config: object,
    ) -> None:
        environment = chain_environment(validators, contracts, chain, consensus)
        if reads_store:
            environment = replace(environment, reads_store=True)
        config.setdefault("index_transactions", True)
        self.harness = Harness(
            validators,
            environment=environment,
            storage=storage,
            history=history,
            **config,  # type: ignore[arg-type]
        )
        self.harness.run(MILLISECOND)
        self._begin(limits)

    @classmethod
    def over(cls, other: "Rig", limits: MethodLimits | None = None) -> "Rig":
        """Return somebody who asks the same node, and remembers nothing yet."""
        fresh = cls.__new__(cls)
        fresh.harness = other.harness
        fresh._begin(limits)
        return fresh

    def _begin(self, limits: MethodLimits | None) -> None:
        self.backend = RigBackend(self.harness)
        self.node_methods: NodeMethods | None = None
        self._limits = limits
        self._loop = asyncio.new_event_loop()
        self._table: dict[str, Method] = {}
        self._loop.run_until_complete(self._build())

    async def _build(self) -> None:
        self.node_methods = NodeMethods(self._limits)
        self._table = dict(method_table(self.node_methods.methods()))
        self.node_methods.follow(cast("Backend", self.backend))

    def restart(self) -> None:
        """Let the first node begin again from what is durable."""
        self.harness.crash(0)
        self.harness.start(0)
        self.harness.run(200 * MILLISECOND)

    def reconfigure(self, **changes: object) -> None:
        """Let the first node begin again with other choices, and forget what was answered."""
        place = self.harness.places[0]
        place.config = replace(place.config, **changes)  # type: ignore[arg-type]
        self.restart()
        self._loop.run_until_complete(self._build())

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def ask(self, name: str, *parameters: object) -> Any:
        """Return the answer to a call, as a client would see it."""
        return msgspec.json.decode(self.encoded(name, *parameters))

    def encoded(self, name: str, *parameters: object) -> bytes:
        """Return the answer to a call as it goes to a client."""
        method = self._table[name]
        assert len(parameters) <= method.arguments, f"too many arguments for {name}"
        answer = method.handler(cast("Backend", self.backend), parameters)
        if hasattr(answer, "__await__"):
            answer = self.wait(cast("Awaitable[object]", answer))
        return msgspec.json.encode(answer)

    def refused(self, name: str, *parameters: object) -> RpcError:
        """Return the error that a call is answered with."""
        try:
            answer = self.ask(name, *parameters)
        except RpcError as error:
            return error
        raise AssertionError(f"{name} has answered {answer}")

    def wait(self, answer: Awaitable[Any]) -> Any:
        async def waited() -> Any:
            return await answer

        return self._loop.run_until_complete(waited())

    def mine(self, *raws: bytes) -> None:
        """Let the network decide some transactions, and make the block durable."""
        self.harness.submit(0, *raws)
        self.harness.run(200 * MILLISECOND)

    def send(self, raw: bytes) -> str:
        """Send a transaction as a client does; return its hash."""
        digest: str = self.ask("eth_sendRawTransaction", "0x" + raw.hex())
        return digest

    @property
    def height(self) -> int:
        return self.backend.node.ledger.height


def chain_environment(
    validators: int,
    contracts: tuple[GenesisContract, ...],
    chain: ChainParams,
    consensus: ConsensusParams,
) -> Environment:
    committee = Committee.of_keys(validator_key(index).public_key for index in range(validators))
    alloc = tuple((account(index), Wei(10 * ETHER)) for index in range(5))
    genesis = Genesis(chain, alloc, committee, contracts=contracts)
    block = genesis_executed(genesis)
    plain = CommitteeVerifier(committee, block.digest, Ed25519Verifier())
    cache = ComputeCache.isolated(chain)
    return Environment(genesis, block, consensus, cache, MemoVerifier(plain))


def signed(
    sender: int,
    nonce: int,
    to: Address | None,
    data: bytes = b"",
    value: int = 0,
    gas: int = 1_000_000,
    cap: int = 10 * GWEI,
    tip: int = GWEI,
) -> bytes:
    """A signed transaction; without `to` it creates a contract."""
    unsigned = DynamicFeeTransaction(
        chain_id=CHAIN.chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=Wei(tip),
        max_fee_per_gas=Wei(cap),
        gas_limit=Gas(gas),
        to=to,
        value=Wei(value),
        data=data,
    )
    return encode_transaction(sign_transaction(unsigned, private_key(sender)))


def hexed(value: bytes | Hash32) -> str:
    return "0x" + value.hex()
