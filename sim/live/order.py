"""What `up` is asked for, and the files that it makes of it."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from node.observe.dashboard import dashboard
from node.observe.prometheus import CONFIG, TARGETS, Target, prometheus_config, targets_file
from node.observe.rules import RULES, rules_file
from node.settings import read_genesis
from primitives.errors import InvalidInput
from primitives.genesis import Genesis, genesis_hash
from sim.assembly import link_spec
from sim.founding import Founding, found
from sim.links.links import LinkSpec
from sim.live.configs import write_network
from sim.live.differing import difference
from sim.live.environment import check_environment
from sim.live.layout import (
    GENESIS,
    GENESIS_HASH,
    SCENARIO,
    Layout,
    NetworkIdentity,
    OtherNetwork,
    write,
)
from sim.live.ports import LOOPBACK, NodePorts, check_free, plan_ports
from sim.scenario import Scenario, place_nodes
from sim.scenario.portable import portable

DASHBOARD = "dashboard.json"

Command = Callable[[Path], Sequence[str]]
"""Returns what runs the node of a configuration."""


class Order(msgspec.Struct, frozen=True):
    """What is asked for."""

    scenario: Scenario
    """Fit for live nodes."""
    seed: int
    directory: Path
    rpc_port: int
    p2p_port: int
    lasting_ns: int | None = None
    """How long the network is up; until a signal if None."""
    load: bool = True
    links: bool = False
    """Whether messages take as long as the scenario's links let them."""


def run_node(config: Path) -> list[str]:
    """Return the command that runs a node with the same Python as this."""
    return [sys.executable, "-m", "node.runtime", str(config)]


class Network(msgspec.Struct, frozen=True):
    """A network whose files are written and whose ports are free; its directory is held."""

    order: Order
    founding: Founding
    layout: Layout
    ports: tuple[NodePorts, ...]
    genesis: str
    """Hash of block 0, with 0x."""
    continued: bool
    """Whether the directory had this chain already."""

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.ports)

    @property
    def kept(self) -> int | None:
        """How many final blocks every node keeps at least; None for all."""
        scenario = self.order.scenario
        own = [each.history for each in scenario.network.classes if each.history is not None]
        numbers = [each for each in (scenario.chain.history, *own) if isinstance(each, int)]
        return min(numbers, default=None)

    @property
    def links(self) -> LinkSpec | None:
        """The scenario's links, if they are to be played."""
        scenario = self.order.scenario
        return link_spec(scenario, place_nodes(scenario.network)) if self.order.links else None

    def url(self, node: int) -> str:
        """Return where a node answers clients."""
        return f"http://{LOOPBACK}:{self.ports[node].rpc}"

    def role(self, node: int) -> str:
        """Return what a node is when the chain begins."""
        validators = self.order.scenario.network.validators
        return "validator" if node < validators else "follower"


def prepare(order: Order) -> Network:
    """Check what can be checked before a start, and write all files of a network.

    Raises:
        PortsTaken: a port that a node needs is not free.
        OtherNetwork: the directory holds another chain.
        InvalidInput: the directory cannot be used, what the scenario names, or what variables of
            the environment say.
    """
    check_environment(os.environ)
    scenario, count = order.scenario, order.scenario.network.peers
    founding = found(scenario, order.seed)
    ports = plan_ports(count, order.rpc_port, order.p2p_port)
    genesis = "0x" + genesis_hash(founding.genesis).hex()
    identity = NetworkIdentity(scenario.name, order.seed, count, genesis)
    layout = Layout(order.directory)
    # An `up` at work there has most likely these very ports: other ones would be no help.
    _look(layout, identity, founding.genesis)
    check_free(ports)
    network = Network(order, founding, layout, ports, genesis, layout.claim(identity))
    try:
        with layout.writing():
            _write_files(network)
    except BaseException:
        layout.release()
        raise
    return network


def _look(layout: Layout, identity: NetworkIdentity, genesis: Genesis) -> None:
    """Refuse the directory of another network, and say in what that differs."""
    try:
        layout.look(identity)
    except OtherNetwork as other:
        if other.what != GENESIS_HASH:
            raise
        file = layout.file(GENESIS)
        try:
            found = difference(read_genesis(file.read_text("utf-8"), str(file)), genesis)
        except (OSError, UnicodeDecodeError, InvalidInput):
            raise other from None
        if found is None:
            raise
        raise OtherNetwork(layout.directory, *found) from other


def _write_files(network: Network) -> None:
    order, layout = network.order, network.layout
    for node in range(network.size):
        layout.node(node).mkdir(exist_ok=True)
    write_network(layout, order.scenario, order.seed, network.founding, network.ports)
    _write_scenario(layout, order.scenario)
    _write_monitoring(network)


def _write_scenario(layout: Layout, scenario: Scenario) -> None:
    text, beside = portable(scenario)
    folder = layout.file(SCENARIO).parent
    folder.mkdir(exist_ok=True)
    write(layout.file(SCENARIO), text)
    for name, content in beside.items():
        write(folder / name, content)


def _write_monitoring(network: Network) -> None:
    """Write what Prometheus and Grafana need to look at the network."""
    name, layout = network.order.scenario.name, network.layout
    targets = [
        Target(f"{LOOPBACK}:{ports.rpc}", network.role(node))
        for node, ports in enumerate(network.ports)
    ]
    write(layout.file(CONFIG), prometheus_config())
    write(layout.file(RULES), rules_file())
    write(layout.file(TARGETS), targets_file(name, targets))
    write(layout.file(DASHBOARD), dashboard(name))
