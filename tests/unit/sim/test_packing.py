"""Compressed frames in virtual time: their lengths, and who pays for them."""

import pytest

from network import costs
from network.codec import Codec
from network.compression import (
    Algorithm,
    Compression,
    CompressionPolicy,
    LinkCodec,
    agree,
    train,
)
from network.messages import LIMITS, GetStatus, PooledTransactions
from primitives.ids import Instant, NodeId
from primitives.machine import (
    Broadcast,
    Completed,
    Compute,
    Effect,
    Event,
    Message,
    Received,
    Send,
    Serial,
    Started,
    Work,
)
from sim.packing import LONG_BYTES, Packer, PackingWire
from sim.profile import load_profile
from sim.run import run_scenario
from sim.scenario import decode_scenario

CODEC = Codec(LIMITS, LIMITS)
A, B = NodeId(0), NodeId(1)
SHORT = PooledTransactions(1, (b"ab" * 2_000,))
LONG = PooledTransactions(2, (b"cd" * LONG_BYTES,))
NOISE = PooledTransactions(3, (bytes((i * i * 31 + i // 7) % 251 for i in range(40)),))


def packer(algorithm: Algorithm = Algorithm.ZSTD, **policy: object) -> Packer:
    return Packer(CODEC, CompressionPolicy(prefer=(algorithm,), **policy))  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("message", [SHORT, LONG, NOISE, GetStatus()])
def test_a_frame_is_as_long_as_a_live_node_makes_it(algorithm: Algorithm, message: Message) -> None:
    policy = CompressionPolicy(prefer=(algorithm,))
    compression = Compression(policy)
    way = agree(compression.offer, compression.offer)
    frame = LinkCodec(CODEC, compression, way, way).encode(message)
    packed = Packer(CODEC, policy).packed(message)
    assert packed.size == len(frame)
    assert packed.plain == len(CODEC.encode(message))
    assert bool(packed.opening) == (len(frame) < packed.plain)


def test_a_short_message_of_a_kind_with_a_dictionary_is_charged_as_such() -> None:
    bodies = [CODEC.encode_body(PooledTransactions(n, (b"%d" % n * 50,)))[1] for n in range(99)]
    learnt = train("PooledTransactions", bodies, 512)
    packed = packer(dictionaries=(learnt,)).packed(PooledTransactions(7, (b"7" * 150,)))
    assert (packed.closing, packed.opening) == (costs.COMPRESS_TRAINED, costs.DECOMPRESS_TRAINED)


@pytest.mark.parametrize(
    ("level", "kind"),
    [
        (1, costs.COMPRESS_ZSTD_1),
        (2, costs.COMPRESS_ZSTD_3),
        (9, costs.COMPRESS_ZSTD_9),
        (10, costs.COMPRESS_ZSTD_19),
        (22, costs.COMPRESS_ZSTD_19),
    ],
)
def test_a_level_costs_what_the_next_measured_one_does(level: int, kind: str) -> None:
    assert packer(zstd_level=level).packed(SHORT).closing == kind
    assert packer(Algorithm.GZIP, gzip_level=7).packed(SHORT).closing == costs.COMPRESS_GZIP_9


class Told:
    """A machine that says what it was set up to say."""

    def __init__(self, *effects: Effect) -> None:
        self.effects = list(effects)
        self.events: list[Event] = []

    def step(self, now: Instant, event: Event) -> list[Effect]:
        self.events.append(event)
        return self.effects


def turn(machine: Told, event: Event, own: Packer | None = None) -> list[Effect]:
    theirs = packer()
    wire = PackingWire([None, theirs], own)
    return list(wire.behind(machine.step)(Instant(5), event))


def test_what_is_sent_is_compressed_before_it_leaves_once_for_all() -> None:
    own = packer()
    sent = [Send(A, SHORT), Send(B, SHORT), Broadcast("committee", GetStatus())]
    units = own.packed(SHORT).units
    assert turn(Told(*sent), Started(), own) == [Work(costs.COMPRESS_ZSTD_3, units), *sent]
    assert own.closed == {("PooledTransactions", costs.COMPRESS_ZSTD_3): units}


def test_a_long_message_leaves_when_the_cores_have_compressed_it() -> None:
    own, sent = packer(), [Send(A, LONG), Send(B, LONG)]
    later = Broadcast("committee", GetStatus())
    passed, compute = turn(Told(*sent, later), Started(), own)
    assert passed == later
    assert isinstance(compute, Compute)
    assert compute.stages == (Serial(costs.COMPRESS_ZSTD_3, own.packed(LONG).units),)
    machine = Told()
    done = Completed(compute.request, compute.job.run())
    assert turn(machine, done, own) == sent
    assert machine.events == []


def test_what_comes_is_decompressed_before_it_is_heard() -> None:
    machine = Told(Send(B, GetStatus()))
    work, effect = turn(machine, Received(B, SHORT))
    assert work == Work(costs.DECOMPRESS_ZSTD, packer().packed(SHORT).units)
    assert effect == machine.effects[0]


def test_a_long_message_is_heard_when_the_cores_have_decompressed_it() -> None:
    machine = Told(Send(B, GetStatus()))
    (compute,) = turn(machine, Received(B, LONG))
    assert machine.events == []
    assert isinstance(compute, Compute)
    done = Completed(compute.request, compute.job.run())
    assert turn(machine, done) == machine.effects
    assert machine.events == [Received(B, LONG)]


@pytest.mark.parametrize("event", [Received(A, SHORT), Received(B, NOISE), Started()])
def test_nothing_is_paid_for_what_is_plain(event: Event) -> None:
    machine = Told(Send(B, SHORT))
    assert turn(machine, event) == machine.effects


TEXT = """
name = "packed"
duration = "4s"
[network]
validators = 4
latency = "uniform"
latency_value = "5ms"
{keys}
[chain]
base_fee = "fixed"
[workload]
kind = "{kind}"
accounts = 300
rate = 250
[consensus]
batch_delay = "400ms"
"""


def figures(keys: str, kind: str = "transfers", **changes: object):
    return run_scenario(decode_scenario(TEXT.format(keys=keys, kind=kind)), seed=1)


def test_signed_transfers_get_a_tenth_shorter_and_calls_much() -> None:
    key = 'compression = "zstd"'
    (transfers,) = [e for e in figures(key).compression if e.kind == "PrePrepare"]
    (calls,) = [e for e in figures(key, "erc20").compression if e.kind == "PrePrepare"]
    assert 0.82 < transfers.ratio < 0.90
    assert 0.50 < calls.ratio < 0.70


def test_a_run_counts_what_links_carried_and_what_that_took() -> None:
    plain = figures("")
    packed = figures('compression = "gzip"\ncompression_level = 1')
    assert packed.bytes < plain.bytes
    assert plain.compression == ()
    row = next(each for each in packed.compression if each.kind == "PrePrepare")
    ps = load_profile().costs_ps()[costs.COMPRESS_GZIP_1]
    once = row.plain_bytes / 3  # for three backups
    assert row.compressing_seconds == pytest.approx(once * ps / 1e12, rel=0.01)


@pytest.mark.parametrize(
    "keys",
    [
        'blocks = "compact"\ncompression = "lz4"\ncompression_threshold = "64B"',
        'compression = "zstd"\ncompression_dictionaries = ["PooledTransactions"]',
    ],
)
def test_nodes_that_share_nothing_come_to_the_same(keys: str) -> None:
    text = TEXT.format(keys=keys, kind="transfers")
    text = text.replace("4s", "1s", 1).replace("rate = 250", "rate = 60")
    shared = run_scenario(decode_scenario(text), seed=2)
    isolated = run_scenario(decode_scenario('fidelity = "isolated"\n' + text), seed=2)
    assert shared.height > 0
    assert shared.digest == isolated.digest
    assert shared.bytes == isolated.bytes
