"""What makes the machine of each node."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np

from network.topology import Adjacency
from node.config import Environment
from node.gateway import Gateway
from node.node import Node
from node.wire import message_types
from primitives.ids import NodeId
from primitives.machine import Machine
from sim.electorate import Electorate
from sim.liars import LiarContext, Places
from sim.membership import Membership
from sim.node_configs import able_nodes, node_config
from sim.randomness import generator
from sim.registry import liar_factory
from sim.scenario import NodePlan, Scenario
from sim.signatures import RunKeys
from storage.memory import MemoryStore
from storage.store import Store


class NodeFactory:
    """Makes a node, at the start of a run and again after each crash.

    Args:
        scenario: checked.
        plans: of all nodes.
        environment: what they share.
        keys: of the first validators.
        electorate: keys of the later ones.
        membership: who hears a broadcast.
        seed: of the run.
        own: makes of the shared environment one that shares nothing.
        apart: nodes that have such a one.
        linked: each node's neighbours.
    """

    def __init__(
        self,
        scenario: Scenario,
        plans: Sequence[NodePlan],
        environment: Environment,
        keys: RunKeys,
        electorate: Electorate,
        membership: Membership,
        seed: int,
        own: Callable[[Environment, int], Environment],
        apart: Collection[int] = (),
        linked: Adjacency = (),
    ) -> None:
        self._plans = plans
        self._membership = membership
        self._seed = seed
        self._lives: dict[int, int] = {}
        able = self._able = able_nodes(plans)
        near = [tuple([NodeId(node) for node in each]) for each in linked] or [()] * len(plans)
        self._configs = [node_config(scenario, plan, able, near[plan.node]) for plan in plans]
        self._spreads = any(config.spread is not None for config in self._configs)
        self._reconciles = scenario.network.gossip == "reconcile"
        environments = [
            own(environment, plan.node) if plan.node in apart else environment for plan in plans
        ]
        self._environments = [
            self._with_draws(_with_keys(each, plan, keys, electorate), plan)
            for plan, each in zip(plans, environments, strict=True)
        ]

    def __call__(self, node: int, store: Store) -> Machine:
        """Make a node's machine from what it has stored."""
        if self._plans[node].gateway:
            return Gateway(self._configs[node], self._environments[node])
        honest = Node(self._configs[node], self._environments[node], store)
        liar = self._plans[node].liar
        if liar is None:
            return honest
        return liar_factory(liar)(honest, self._context(node, liar, honest))

    def _context(self, node: int, liar: str, honest: Node) -> LiarContext:
        """Tell a liar its place. Its plan is the same in each life, its own draws are not."""
        self._lives[node] = life = self._lives.get(node, 0) + 1
        environment = self._environments[node]
        accomplices = tuple(plan.node for plan in self._plans if plan.liar == liar)
        return LiarContext(
            node=NodeId(node),
            params=environment.consensus,
            message_types=message_types(
                environment.engine,
                compact_blocks=bool(self._able),
                spread=self._spreads,
                reconciles=self._reconciles,
            ),
            place=Places(
                honest.parts.epochs,
                environment.genesis_block.digest,
                accomplices,
                partial(self._plan, liar),
            ),
            members=lambda group: [NodeId(n) for n in self._membership.seen_by_liar(group, node)],
            accomplices=accomplices,
            generator=generator(self._seed, f"liar/{life}", node),
            spare=lambda: Node(self._configs[node], environment, MemoryStore()),
        )

    def _with_draws(self, environment: Environment, plan: NodePlan) -> Environment:
        """Give a node what it draws nonces and peers from, all its lives long."""
        if self._configs[plan.node].spread is not None:
            own = generator(self._seed, "spread", plan.node)
            environment = dataclasses.replace(environment, draws=own)
        if plan.blocks == "full":
            return environment
        draws = generator(self._seed, "compact-nonce", plan.node)
        return dataclasses.replace(environment, draw_nonce=draws.bytes)

    def _plan(self, liar: str, epoch: int) -> np.random.Generator:
        """Return what the accomplices of a lie plan an epoch with."""
        return generator(self._seed, f"liar-plan/{liar}/{epoch}" if epoch else f"liar-plan/{liar}")


def _with_keys(
    environment: Environment, plan: NodePlan, keys: RunKeys, electorate: Electorate
) -> Environment:
    """Give a node what it signs with, and what it will sign with when the committee changes."""
    spare = electorate.spare_keys(plan.node)
    if spare:
        environment = dataclasses.replace(environment, spare_keys=spare)
    if not plan.validator:
        return environment
    signer, vote_signer = keys.signers[plan.node], keys.vote_signer(plan.node)
    return dataclasses.replace(environment, signer=signer, vote_signer=vote_signer)
