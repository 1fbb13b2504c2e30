"""What a scenario says of one node, as the node takes it."""

from typing import Literal, TypeAlias

from node.config import NodeConfig, Role
from node.demand import ExecutionConfig
from node.mempool_types import MempoolLimits
from node.settings.node import fee_recipient
from node.storage_config import StateForm, StorageConfig
from sim.scenario import ChangeCommittee, NodePlan, Scenario

Kept: TypeAlias = Literal["archive"] | int


def node_config(scenario: Scenario, plan: NodePlan) -> NodeConfig:
    """Return the choices of one node."""
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
    )


def _kept(own: Kept | None, general: Kept) -> int | None:
    kept = general if own is None else own
    return None if kept == "archive" else kept


def _role(plan: NodePlan) -> Role:
    if plan.gateway:
        return Role.GATEWAY
    return Role.VALIDATOR if plan.validator else Role.FOLLOWER


def _changes_committee(scenario: Scenario) -> bool:
    return any(isinstance(event, ChangeCommittee) for event in scenario.events)
