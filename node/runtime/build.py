"""From a configuration and the files that it names to what a node is made from."""

import dataclasses
import random
import secrets
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import msgspec

from consensus.params import ConsensusParams
from consensus.signing import MemoVerifier
from network.compression import Dictionary
from network.draws import seeded_draws
from network.handshake import HandshakeConfig
from network.handshake_messages import PeerRole
from network.transport import (
    Address,
    Observer,
    Rates,
    RoomLimits,
    Slots,
    SocketOptions,
    Transport,
    TransportConfig,
)
from node.certificates import CertificateReader
from node.config import Environment, NodeConfig, Role
from node.demand import ALL_AT_ONCE, ExecutionConfig
from node.execution import genesis_executed
from node.executors.executor import BlockExecutor
from node.flat_library import FlatLibrary
from node.mempool_types import MempoolLimits
from node.plugins import make_batching, make_engine
from node.runtime.errors import Refused, read_text
from node.runtime.keys import read_seed
from node.runtime.packing import features, make_compression
from node.runtime.validators import KnownValidators
from node.settings import NodeSettings, read_genesis
from node.settings.node import fee_recipient
from node.settings.packing import relay_config
from node.settings.spreading import spread_config
from node.shared import ComputeCache
from node.snapshot import SnapshotLibrary
from node.storage_config import SERVED_MAX, StateForm, StorageConfig
from node.verifiers import Keys, first_verifier
from node.wire import node_codec
from primitives.address import parse_address
from primitives.bls import BlsKey
from primitives.epoch import first_epoch
from primitives.errors import InvalidInput
from primitives.genesis import Genesis
from primitives.ids import NodeId
from primitives.keys import ValidatorKey

VOTES_REMEMBERED = 1_024
"""Signed messages that are remembered as valid, beside sixteen for each validator: what a node
gets twice, once by itself and once in a certificate, is checked once."""
CERTIFICATES_REMEMBERED = 32
VOTE_SUFFIX = ".vote"
"""Of the BLS key that stands beside a spare key."""

CONSENSUS_KEYS = tuple(field.name for field in dataclasses.fields(ConsensusParams))
"""Parameters of the committee; `[consensus]` has a key of the same name for each."""


class Secrets(msgspec.Struct, frozen=True):
    """What only this node knows."""

    seed: bytes
    """Of the node's Ed25519 key, by which its peers know it."""
    keys: tuple[Keys, ...]
    """Those that it may sign votes with."""


def read_chain(settings: NodeSettings, directory: Path) -> Genesis:
    """Return the genesis that a configuration names.

    Args:
        settings: of the node.
        directory: where relative file names start.

    Raises:
        InvalidInput: it cannot be read, or what is wrong in it.
    """
    path = directory / settings.chain.genesis
    return read_genesis(read_text(path, "chain.genesis"), str(path))


def read_secrets(settings: NodeSettings, genesis: Genesis, directory: Path) -> Secrets:
    """Return the keys of a node, and make sure that its chain knows a validator by them.

    Raises:
        UnusableKey: a key file cannot be used.
        Refused: the keys are not those of the validator that the node is to be.
    """
    own, votes = settings.node, genesis.params.certificates == "bls"
    seed = read_seed(directory / own.key, "node.key")
    keys = []
    if own.role == "validator":
        if votes and own.vote_key is None:
            expected = 'a file with a BLS key, as the chain\'s certificates are "bls"'
            raise Refused("node.vote_key", expected, "none")
        vote = None if own.vote_key is None or not votes else directory / own.vote_key
        keys.append(Keys(ValidatorKey(seed), _vote_key(vote, "node.vote_key")))
        _check_member(settings, genesis, keys[0])
    for position, name in enumerate(own.spare_keys):
        where, path = f"node.spare_keys[{position}]", directory / name
        vote = path.with_name(path.name + VOTE_SUFFIX) if votes else None
        keys.append(Keys(ValidatorKey(read_seed(path, where)), _vote_key(vote, where)))
    return Secrets(seed, tuple(keys))


def make_environment(
    settings: NodeSettings,
    genesis: Genesis,
    secret: Secrets,
    executor: BlockExecutor | None = None,
) -> Environment:
    """Return what a node shares with its network; it shares nothing with another node.

    Args:
        settings: of the node.
        genesis: of the chain.
        secret: its keys.
        executor: executes blocks; one transaction after another if None.

    Raises:
        InvalidInput: a protocol or a policy that nobody provides, or a chain that cannot run.
    """
    _check_fit(settings, genesis)
    votes = VOTES_REMEMBERED + 16 * genesis.committee.size
    first = secret.keys[0] if settings.node.role == "validator" else None
    block = genesis_executed(genesis)
    return Environment(
        genesis=genesis,
        genesis_block=block,
        consensus=consensus_params(settings),
        # Executed blocks are not remembered: they would keep old states of the store open.
        cache=ComputeCache(genesis.params, 2 * settings.mempool.transactions, 0, executor=executor),
        verifier=MemoVerifier(first_verifier(genesis, block.digest), votes),
        signer=None if first is None else first.signer,
        vote_signer=None if first is None else first.vote_signer,
        certificates=CertificateReader(CERTIFICATES_REMEMBERED),
        engine=make_engine(settings.consensus.protocol),
        snapshots=SnapshotLibrary(SERVED_MAX),
        flat=FlatLibrary.isolated(),
        reads_store=True,
        state_lock=Lock(),
        draw_nonce=secrets.token_bytes,
        draws=seeded_draws(secrets.token_bytes(16)),
        spare_keys=secret.keys if first is None else secret.keys[1:],
    )


def consensus_params(settings: NodeSettings) -> ConsensusParams:
    """Return the committee's parameters as `[consensus]` gives them."""
    given = msgspec.structs.asdict(settings.consensus)
    given["batching"] = make_batching(settings.consensus.batching)
    return ConsensusParams(**{name: given[name] for name in CONSENSUS_KEYS})


def node_config(settings: NodeSettings, *, checks_state: bool = False) -> NodeConfig:
    """Return the choices of one node.

    Args:
        settings: its configuration.
        checks_state: whether its state has to be read as a whole, whatever they say: it is known
            to be damaged.
    """
    own, pool, store = settings.node, settings.mempool, settings.store
    recipient = own.fee_recipient
    return NodeConfig(
        index=NodeId(own.index),
        role=Role(own.role),
        fee_recipient=parse_address(recipient) if recipient else fee_recipient(own.index),
        announce_blocks=settings.network.announce_blocks,
        serves_gateways=settings.network.serves_gateways,
        answers_clients=True,
        execution=ExecutionConfig(
            scheduler=settings.execution.scheduler,
            building=settings.execution.building,
            hints=settings.execution.hints,
        ),
        mempool=MempoolLimits(
            count=pool.transactions,
            byte_count=pool.bytes,
            per_sender=pool.per_sender,
            queued=pool.queued,
        ),
        history=_kept(settings.chain.history),
        storage=StorageConfig(
            form=StateForm.FLAT,
            state_history=_kept(store.state_history),
            checks_state=store.checks_state or checks_state,
        ),
        index_transactions=True,
        relay=relay_config(settings.network),
        spread=spread_config(settings.network),
    )


def neighbours(settings: NodeSettings) -> Sequence[NodeId]:
    """Return the nodes that this one gossips with."""
    chosen = settings.network.neighbours
    numbers = [peer.node for peer in settings.network.peers] if chosen == "all" else chosen
    return [NodeId(number) for number in numbers]


def make_transport(
    settings: NodeSettings,
    environment: Environment,
    secret: Secrets,
    observer: Observer,
    dictionaries: tuple[Dictionary, ...] = (),
) -> tuple[Transport, KnownValidators]:
    """Return a node's connections, not started, and whose keys they know; the latter grows."""
    network, own = settings.network, NodeId(settings.node.index)
    known = KnownValidators(first_epoch(environment.genesis.committee).committee)
    compression = make_compression(settings, dictionaries)
    transport = Transport(
        transport_config(settings),
        HandshakeConfig(
            genesis=environment.genesis_block.digest,
            node=own,
            role=PeerRole[settings.node.role.upper()],
            validators=known,
            compression=compression.offer,
            features=features(settings),
        ),
        secret.seed,
        node_codec(environment.engine),
        observer,
        random.Random(),
        {NodeId(peer.node): Address(peer.host, peer.port) for peer in network.peers},
        compression,
    )
    return transport, known


def transport_config(settings: NodeSettings) -> TransportConfig:
    """Return what connections may cost, and how their sockets are set up."""
    network, rates = settings.network, Rates()
    return TransportConfig(
        host=network.host,
        port=network.port,
        sockets=SocketOptions(
            nodelay=network.nodelay,
            keepalive=network.keepalive,
            receive_bytes=network.receive_buffer,
            send_bytes=network.send_buffer,
        ),
        rates=dataclasses.replace(
            rates,
            bytes_per_second=network.bytes_per_second,
            bytes_burst=network.bytes_per_second,
            messages_per_second=network.messages_per_second,
            messages_burst=2 * network.messages_per_second,
            connections_per_second=network.connections_per_second,
            connections_burst=network.connections_burst,
        ),
        rooms=RoomLimits(
            validators_room=network.validators_room,
            others_room=network.others_room,
            validators_waiting=network.validators_waiting,
            others_waiting=network.others_waiting,
        ),
        slots=dataclasses.replace(
            Slots(),
            followers=network.followers_max,
            gateways=network.gateways_max,
            per_address=network.connections_per_address,
        ),
    )


def _vote_key(path: Path | None, where: str) -> BlsKey | None:
    return None if path is None else BlsKey(read_seed(path, where))


def _check_member(settings: NodeSettings, genesis: Genesis, keys: Keys) -> None:
    """Refuse a validator that its chain does not know, or knows by another key."""
    node = settings.node.index
    members = {member.node: member for member in genesis.committee.members}
    member = members.get(NodeId(node))
    if member is None:
        numbers = ", ".join(str(each) for each in members)
        expected = f"a validator of the chain's first committee ({numbers}), or role = follower"
        raise Refused("node.index", expected, str(node))
    public_key = keys.signer.public_key
    if member.public_key != public_key:
        expected = f"the key of validator {node}, whose public half is {member.public_key.hex()}"
        raise Refused("node.key", expected, f"one whose public half is {public_key.hex()}")
    vote = keys.vote_signer
    if vote is not None and member.aggregate_key != vote.public_key:
        expected = f"the key of validator {node}, its public half {member.aggregate_key.hex()}"
        raise Refused(
            "node.vote_key", expected, f"one whose public half is {vote.public_key.hex()}"
        )


def _check_fit(settings: NodeSettings, genesis: Genesis) -> None:
    """Refuse what the chain makes impossible or meaningless.

    Raises:
        InvalidInput: which key, and why.
    """
    params, consensus = genesis.params, settings.consensus
    if settings.execution.scheduler == ALL_AT_ONCE and not params.block_access_list:
        expected = "another one: this chain's blocks have no access list that it could start from"
        raise InvalidInput("execution.scheduler", expected, f'"{ALL_AT_ONCE}"')
    if consensus.batch_bytes is not None and consensus.batch_bytes > params.max_block_bytes:
        expected = f"at most the chain's max_block_bytes, {params.max_block_bytes} bytes"
        raise InvalidInput("consensus.batch_bytes", expected, f"{consensus.batch_bytes} bytes")
    if consensus.batch_gas is not None and consensus.batch_gas > params.gas_limit:
        expected = f"at most the chain's gas_limit, {params.gas_limit}"
        raise InvalidInput("consensus.batch_gas", expected, consensus.batch_gas)


def _kept(kept: str | int) -> int | None:
    return None if isinstance(kept, str) else kept
