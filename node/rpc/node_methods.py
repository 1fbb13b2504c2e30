"""All methods of a node, and what its subscriptions follow, made for each other."""

from collections.abc import Callable
from dataclasses import dataclass, field

from node.rpc.admin import admin_methods
from node.rpc.backend import Backend
from node.rpc.call_runner import CallLimits, CallRunner
from node.rpc.calls import CallMethods
from node.rpc.chain import ChainReader
from node.rpc.chain_feed import ChainFeed
from node.rpc.eth_blocks import BlockMethods
from node.rpc.eth_state import StateMethods
from node.rpc.fees import FeeMethods
from node.rpc.logs import LogLimits, LogMethods
from node.rpc.methods import Method
from node.rpc.network_methods import network_methods
from node.rpc.orrery import OrreryMethods
from node.rpc.pool_methods import pool_methods
from node.rpc.raw import raw_methods
from node.rpc.simulation import Simulator
from node.rpc.states import States
from node.rpc.trace import TraceMethods
from node.rpc.transactions import TransactionMethods
from node.rpc.view_history import ViewHistory


@dataclass(frozen=True, slots=True)
class MethodLimits:
    """What single methods may cost."""

    calls: CallLimits = field(default_factory=CallLimits)
    logs: LogLimits = field(default_factory=LogLimits)


class NodeMethods:
    """The methods of one node, which share what they remember.

    Make it where an event loop runs.

    Args:
        limits: what single methods may cost.
    """

    def __init__(self, limits: MethodLimits | None = None) -> None:
        limits = limits or MethodLimits()
        self._chain = ChainReader()
        self._states = States(self._chain)
        self._logs = LogMethods(self._chain, limits.logs)
        self._views = ViewHistory()
        self.runner = CallRunner(limits.calls)
        """Runs eth_call and its kin, traces, and histories of fees."""

    def methods(self) -> tuple[Method, ...]:
        """Return all of them, for `method_table`."""
        chain, simulator = self._chain, Simulator(self._states)
        return (
            *network_methods(),
            *BlockMethods(chain).methods(),
            *StateMethods(self._states).methods(),
            *FeeMethods(chain, self.runner).methods(),
            *TransactionMethods().methods(),
            *CallMethods(simulator, self.runner).methods(),
            *self._logs.methods(),
            *pool_methods(),
            *TraceMethods(chain, simulator, self.runner).methods(),
            *raw_methods(chain),
            *OrreryMethods(chain, self._views).methods(),
            *admin_methods(),
        )

    def feed(self, backend: Backend) -> ChainFeed:
        """Return what subscriptions and filters follow."""
        return ChainFeed(backend, self._chain, self._logs)

    def follow(self, backend: Backend) -> Callable[[], None]:
        """Begin to remember what the node's hub tells; return what ends that."""
        return backend.subscribe(self._views)
