"""Networks of stubs, and what several tests need to look at them."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.live.events import Happening
from sim.live.order import Network, Order, prepare
from sim.live.table import NetworkFacts
from sim.scenario import Scenario, decode_scenario

STUB = Path(__file__).with_name("stub_node.py")
ROOT = Path(__file__).parents[4]

TEXT = """\
name = "tiny"
duration = "2s"
[network]
validators = 4
[workload]
kind = "transfers"
rate = 10
accounts = 4
"""


def stub_command(config: Path) -> list[str]:
    return [sys.executable, str(STUB), str(config)]


def scenario(text: str = "", base: str = TEXT) -> Scenario:
    return decode_scenario(base + text)


def free_ports(count: int) -> int:
    """Return a port from which on so many are free now.

    They lie below those that Linux gives to connections: one that is made before a node listens
    there must not take its port.
    """
    for first in range(10_000 + os.getpid() % 500 * 40, 32_000, count):
        if all(is_free(first + offset) for offset in range(count)):
            return first
    raise AssertionError("no ports")


def is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def order(directory: Path, text: str = "", lasting_s: float | None = None, **changes) -> Order:
    made = scenario(text, changes.pop("base", TEXT))
    first = free_ports(2 * made.network.peers)
    return Order(
        scenario=made,
        seed=changes.pop("seed", 1),
        directory=directory,
        rpc_port=first,
        p2p_port=first + made.network.peers,
        lasting_ns=None if lasting_s is None else int(lasting_s * 1e9),
        **{"load": False, **changes},
    )


def prepared(directory: Path, text: str = "", lasting_s: float | None = None, **changes) -> Network:
    return prepare(order(directory, text, lasting_s, **changes))


class Screen:
    """A display that remembers."""

    def __init__(self) -> None:
        self.networks: list[Network] = []
        self.happenings: list[Happening] = []
        self.facts: list[NetworkFacts] = []

    def began(self, network: Network) -> None:
        self.networks.append(network)

    def happened(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def show(self, facts: NetworkFacts) -> None:
        self.facts.append(facts)

    def kinds(self) -> list[tuple[str, int | None]]:
        return [(each.kind, each.node) for each in self.happenings]


class Witnessing(Screen):
    """A display that ends the run, as a signal does, once it has seen enough.

    Args:
        enough: whether it has; asked after all that is shown.
    """

    def __init__(self, enough: Callable[["Screen"], bool]) -> None:
        super().__init__()
        self.has_seen = False
        self._enough = enough

    def happened(self, happening: Happening) -> None:
        super().happened(happening)
        self._look()

    def show(self, facts: NetworkFacts) -> None:
        super().show(facts)
        self._look()

    def _look(self) -> None:
        if not self.has_seen and self._enough(self):
            self.has_seen = True
            os.kill(os.getpid(), signal.SIGINT)


def has_confirmed(screen: Screen) -> bool:
    """Tell whether the network has blocks with transactions, as was shown last."""
    return bool(screen.facts) and screen.facts[-1].transactions > 0


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process that is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.listen()
        yield
