"""A network in virtual time that a test drives by hand.

    def test_a_new_primary_takes_over(orrery_network):
        net = orrery_network(validators=4)
        net.run_until("5s")
        net.crash("primary")
        net.run_for("10s")
        net.expect(min_height=net.height() + 1, min_view=1)

It is the world of `orrery run`, with the same checkers watching: an agreement that breaks fails
the test at the event that broke it.
"""

from collections.abc import Iterable, Mapping, Sequence

from primitives.errors import InvalidInput
from primitives.ids import Address, Duration, Gas, Hash32, Instant, NodeId, Wei
from primitives.machine import TraceEvent
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
    transaction_hash,
)
from primitives.units import format_duration, parse_amount, parse_duration
from sim.assembly import build_world
from sim.checkers import CheckerSuite
from sim.run import run_checkers
from sim.scenario import Scenario, decode_table, partition_groups
from sim.scenario.placement import node_regions
from sim.trace import Observation
from sim.workload.accounts import account_secret, derive_accounts
from sim.world import World

ACCOUNTS = 100
"""Funded accounts of a driven network unless its workload says otherwise."""

TRANSFER_GAS = Gas(21_000)
GWEI = 10**9

Time = int | str
"""Nanoseconds, or text with a unit: "250ms"."""


def drive_network(
    validators: int = 4,
    *,
    followers: int = 0,
    seed: int = 1,
    load: float = 0.0,
    duration: str = "1h",
    consensus: Mapping[str, object] | None = None,
    chain: Mapping[str, object] | None = None,
    execution: Mapping[str, object] | None = None,
    store: Mapping[str, object] | None = None,
    workload: Mapping[str, object] | None = None,
    events: Sequence[Mapping[str, object]] = (),
    **network: object,
) -> "DrivenNetwork":
    """Build a network and start its nodes; its clock stands at 0.

    Args:
        validators: nodes that vote.
        followers: nodes that only receive blocks.
        seed: of every random choice.
        load: transfers a second that clients send by themselves; 0 leaves sending to the test.
        duration: the instant at which clients and timeline end; time may be driven beyond it.
        consensus: keys of `[consensus]`, as in a scenario file.
        chain: keys of `[chain]`.
        execution: keys of `[execution]`.
        store: keys of `[store]`; where nodes have files, the network must be closed.
        workload: keys of `[workload]`, instead of `load`.
        events: `[[events]]`.
        network: keys of `[network]`.

    Raises:
        ScenarioError: what a scenario file with these values would be refused for.
    """
    clients = workload is not None or load > 0
    offered = {"accounts": ACCOUNTS, "rate": load if load > 0 else 1.0}
    table: dict[str, object] = {
        "name": "driven",
        "seed": seed,
        "duration": duration,
        "network": {"validators": validators, "followers": followers, **network},
        "consensus": dict(consensus or {}),
        "chain": dict(chain or {}),
        "execution": dict(execution or {}),
        "store": dict(store or {}),
        "workload": dict(offered if workload is None else workload),
        "events": [dict(event) for event in events],
    }
    return DrivenNetwork(decode_table(table, "orrery_network(...)"), seed, with_clients=clients)


class DrivenNetwork:
    """One network and everything a test does to it. Times are instants since its start.

    Args:
        scenario: checked.
        seed: of every random choice.
        with_clients: whether the scenario's workload runs.
    """

    def __init__(self, scenario: Scenario, seed: int, *, with_clients: bool) -> None:
        self.scenario = scenario
        self.seed = seed
        self.world: World = build_world(scenario, seed, with_clients=with_clients)
        """The world itself, for what has no method here."""
        self.committed: dict[Hash32, int] = {}
        """Height of each committed transaction, by its hash."""
        self.refused: dict[Hash32, str] = {}
        """Code of each refused transaction, by its hash."""
        self._with_clients = with_clients
        self._heights = [0] * scenario.network.nodes
        self._nonces: dict[int, int] = {}
        self._suite = CheckerSuite(run_checkers(scenario, self.world))
        self.world.subscribe_honest(self._observe)
        self.world.subscribe_honest(self._suite.consumer(self.world))

    def close(self) -> None:
        """Let go of the nodes' files, if they have any: the network is over then."""
        self.world.close()

    # ---------------------------------------------------------------- time

    @property
    def now(self) -> Instant:
        """The present virtual instant, ns."""
        return self.world.now

    def run_until(self, at: Time) -> None:
        """Let time pass up to an instant.

        Raises:
            ViolationFound: a checker objects to what happened meanwhile.
        """
        self.world.run_until(_span(at))

    def run_for(self, span: Time) -> None:
        """Let time pass. Raises like `run_until`."""
        self.world.run_until(self.world.now + _span(span))

    # ---------------------------------------------------------------- faults

    def primary(self) -> NodeId:
        """Return the primary of the highest view entered."""
        return self.world.primary()

    def crash(self, node: int | str) -> NodeId:
        """Kill a node's process, by number or "primary"; return its number."""
        victim = self._node(node)
        self.world.crash(victim)
        return victim

    def restart(self, node: int | str = "all") -> None:
        """Start a node from what its disk holds, or every node that is down."""
        for number in range(self.world.size) if node == "all" else (self._node(node),):
            self.world.restart(number)

    def partition(self, *groups: Iterable[int | str]) -> None:
        """Cut the network into groups of node numbers or regions; the rest forms one more."""
        named = tuple(tuple(group) for group in groups)
        for member in (member for group in named for member in group):
            self._check_place(member)
        self.world.partition(partition_groups(named, self.scenario.network))

    def heal(self) -> None:
        """End the partition."""
        self.world.heal()

    def slow(self, node: int | str, factor: float) -> None:
        """Let everything a node computes take `factor` times as long; 1 is its own speed."""
        self.world.slow(self._node(node), factor)

    def add_latency(self, extra: Time, regions: Sequence[str] | None = None) -> None:
        """Delay the links of a region's nodes (of all nodes) at each end; 0 is normal again."""
        places = node_regions(self.scenario.network)
        for region in regions or ():
            self._check_place(region)
        nodes = [n for n, place in enumerate(places) if regions is None or place in regions]
        self.world.set_latency(nodes, _span(extra))

    def _check_place(self, place: int | str) -> None:
        """Refuse a node or region that the network does not have."""
        if isinstance(place, int):
            if not 0 <= place < self.world.size:
                last = self.world.size - 1
                raise InvalidInput("node", f"a number from 0 to {last}", place)
            return
        regions = dict.fromkeys(node_regions(self.scenario.network))
        if place not in regions:
            raise InvalidInput("region", f"one of {', '.join(regions)}", repr(place))

    # ---------------------------------------------------------------- transactions

    def submit(self, raw: bytes, node: int = 0, at: Time | None = None) -> Hash32:
        """Hand a signed transaction to a node, now or at a later instant; return its hash."""
        self.world.submit(self.world.now if at is None else _span(at), node, raw)
        return transaction_hash(raw)

    def transfer(
        self, sender: int, receiver: int, value: int | str = "1 gwei", node: int = 0
    ) -> Hash32:
        """Send value between two of the funded accounts, by index; return the hash.

        Nonces count up by themselves, hence only on a network without clients of its own.
        """
        assert not self._with_clients, "the clients use the same accounts; build with load=0"
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        transaction = DynamicFeeTransaction(
            chain_id=self.scenario.chain.chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=Wei(GWEI),
            max_fee_per_gas=Wei(100 * GWEI + 2 * self.scenario.chain.base_fee_initial),
            gas_limit=TRANSFER_GAS,
            to=self.address(receiver),
            value=parse_amount(value) if isinstance(value, str) else Wei(value),
            data=b"",
        )
        signed = sign_transaction(transaction, account_secret(self.seed, sender))
        return self.submit(encode_transaction(signed), node)

    def address(self, account: int) -> Address:
        """Return the address of a funded account."""
        return derive_accounts(self.seed, account + 1)[account].address

    def balance(self, account: int) -> Wei:
        """Return a funded account's balance after the highest committed block, wei."""
        return self.world.head.state.balance(self.address(account))

    # ---------------------------------------------------------------- what came of it

    def height(self, node: int | None = None) -> int:
        """Return the height of a node's last block or the highest of all; a liar's counts as 0."""
        return max(self._heights) if node is None else self._heights[node]

    def expect(
        self,
        *,
        min_height: int | None = None,
        max_height: int | None = None,
        agreement_within: int | None = None,
        min_view: int | None = None,
        committed: Iterable[Hash32] = (),
    ) -> None:
        """Fail the test unless all of this holds now.

        Args:
            min_height: some node has committed this height.
            max_height: no node has committed a higher one.
            agreement_within: blocks by which running nodes may differ.
            min_view: a view at least this high was entered.
            committed: hashes of transactions that must be in committed blocks.
        """
        failures = [
            *_compare("height", self.height(), min_height, max_height),
            *_compare("view", self.world.view, min_view, None),
            *self._missing(committed),
        ]
        nodes = [NodeId(n) for n in range(self.world.size)]
        live = [n for n in nodes if self.world.is_live(n) and self.world.is_honest(n)]
        if agreement_within is not None and live:
            heights = {node: self._heights[node] for node in live}
            spread = max(heights.values()) - min(heights.values())
            if spread > agreement_within:
                rule = f"running nodes within {agreement_within} blocks"
                failures.append(f"expected {rule}, heights are {heights}")
        if failures:
            at = format_duration(Duration(self.now))
            raise AssertionError(f"at {at}, seed {self.seed}: " + "; ".join(failures))

    def finish(self) -> None:
        """Let the checkers judge the end of the run.

        Raises:
            AssertionError: one of them objects.
        """
        violation = self._suite.finish(self.world)
        assert violation is None, f"seed {self.seed}: {violation}"

    def _missing(self, hashes: Iterable[Hash32]) -> list[str]:
        missing = [digest for digest in hashes if digest not in self.committed]
        if not missing:
            return []
        first = missing[0]
        why = f", refused as {self.refused[first]}" if first in self.refused else ""
        return [f"{len(missing)} transactions not committed, first {first.hex()}{why}"]

    def _node(self, node: int | str) -> NodeId:
        if node != "primary":
            self._check_place(int(node))
        return self.world.primary() if node == "primary" else NodeId(int(node))

    def _observe(self, observation: Observation) -> None:
        event: TraceEvent = observation.event
        if event.name == "chain.block_committed":
            height, digest = event.height, event.digest  # type: ignore[attr-defined]
            self._heights[observation.node] = height
            for included in self.world.blocks.transaction_hashes(digest):
                self.committed.setdefault(Hash32(included), height)
        elif event.name == "sync.snapshot_adopted":
            self._heights[observation.node] = event.height  # type: ignore[attr-defined]
        elif event.name == "txpool.rejected":
            self.refused[Hash32(event.hash)] = event.code  # type: ignore[attr-defined]


def _compare(what: str, found: int, low: int | None, high: int | None) -> list[str]:
    failures = []
    if low is not None and found < low:
        failures.append(f"expected {what} at least {low}, found {found}")
    if high is not None and found > high:
        failures.append(f"expected {what} at most {high}, found {found}")
    return failures


def _span(time: Time) -> Duration:
    return parse_duration(time) if isinstance(time, str) else Duration(time)
