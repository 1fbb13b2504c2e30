"""What a scenario says of one node, as the node takes it."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from node.config import NodeConfig, Role
from node.demand import ExecutionConfig
from node.mempool_types import MempoolLimits
from node.settings.node import fee_recipient
from node.settings.packing import relay_config
from node.settings.spreading import spread_config
from node.storage_config import StateForm, StorageConfig
from primitives.ids import NodeId
from sim.liars import COMPACT_LIARS, SPREAD_LIARS
from sim.scenario import ChangeCommittee, NodePlan, Scenario

Kept: TypeAlias = Literal["archive"] | int


def able_nodes(plans: Sequence[NodePlan]) -> tuple[NodeId, ...]:
    """Return who understands compact blocks."""
    return tuple([p.node for p in plans if p.blocks == "compact" and not p.gateway])


def node_config(
    scenario: Scenario,
    plan: NodePlan,
    able: tuple[NodeId, ...] = (),
    near: tuple[NodeId, ...] = (),
) -> NodeConfig:
    """Return the choices of one node.

    Args:
        scenario: checked.
        plan: of the node.
        able: who understands compact blocks, where no handshake tells.
        near: its neighbours.
    """
    spreads = plan.liar is None or plan.liar in SPREAD_LIARS
    return NodeConfig(
        index=plan.node,
        role=_role(plan),
        fee_recipient=fee_recipient(plan.node),
        announce_blocks=scenario.network.followers > 0 or _changes_committee(scenario),
        serves_gateways=scenario.network.gateways > 0,
        execution=ExecutionConfig(
            scheduler=plan.scheduler or scenario.execution.scheduler,
            building=plan.building or scenario.execution.building,
            hints=scenario.execution.hints,
        ),
        storage=StorageConfig(
            form=StateForm(plan.state or scenario.store.form),
            state_history=_kept(plan.state_history, scenario.store.state_history),
        ),
        history=_kept(plan.history, scenario.chain.history),
        mempool=MempoolLimits(
            count=plan.mempool_transactions,
            byte_count=plan.mempool_bytes,
            per_sender=plan.mempool_per_sender,
        ),
        relay=None if plan.gateway else relay_config(plan, able, proposes=_proposes(plan)),
        spread=None if plan.gateway else spread_config(scenario.network, near, publishes=spreads),
    )


def _kept(own: Kept | None, general: Kept) -> int | None:
    kept = general if own is None else own
    return None if kept == "archive" else kept


def _proposes(plan: NodePlan) -> bool:
    """Whether its proposals leave in compact form. Most liars change blocks on their way out."""
    return plan.liar is None or plan.liar in COMPACT_LIARS


def _role(plan: NodePlan) -> Role:
    if plan.gateway:
        return Role.GATEWAY
    return Role.VALIDATOR if plan.validator else Role.FOLLOWER


def _changes_committee(scenario: Scenario) -> bool:
    return any(isinstance(event, ChangeCommittee) for event in scenario.events)
