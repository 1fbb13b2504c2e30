"""What a live node counts, and the two formats in which it shows that."""

import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from consensus.trace import (
    Committed,
    EpochBegun,
    EvidenceFound,
    PrePrepared,
    ViewChangeStarted,
    ViewEntered,
)
from network.compact.trace import CompactRebuilt
from network.trace import SnapshotAdopted, SnapshotStarted, SyncFinished, SyncStarted
from node.gateway_trace import Accepted, Finalised, Refused
from node.observe.confirmation import WAITING_MAX, Confirmations
from node.observe.decisions import WAITING_MAX as IN_FLIGHT_MAX, Decisions
from node.observe.families import BY_NAME, chain
from node.observe.metrics import NodeMetrics
from node.observe.reading import Histogram, Reading
from node.trace import (
    BlockCommitted,
    BlockExecutedTraced,
    PeerScored,
    TransactionRejected,
    TransactionSubmitted,
)
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import TraceEvent
from tests.unit.node.observe.exposition import Sample, last_samples, tool

SECOND = 1_000_000_000
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Blocks:
    """Blocks by their digest."""

    def __init__(self, blocks: dict[bytes, list[bytes]]) -> None:
        self.blocks = blocks

    def transaction_hashes(self, digest: bytes) -> list[bytes]:
        return self.blocks.get(digest, [])


def committed(height: int, digest: bytes = b"d", transactions: int = 2) -> BlockCommitted:
    return BlockCommitted(height, digest, b"p", 0, transactions, 21_000 * transactions, 2_048)


EVENTS: tuple[TraceEvent, ...] = (
    SyncStarted(0, 1),
    SyncFinished(1),
    SnapshotStarted(1, 8, b"s"),
    SnapshotAdopted(8, b"s", 3, 0),
    ViewChangeStarted(View(1)),
    ViewEntered(View(1), NodeId(1)),
    EvidenceFound(NodeId(2), "prepare", View(1), Sequence(9)),
    BlockExecutedTraced(9, b"d", True, 2, 42_000, 21_000, 4_000_000, 2_000_000, 1),
    PeerScored(2, 90, "no answer in time"),
    TransactionRejected(b"x", "nonce_too_low"),
    TransactionSubmitted(b"a"),
    CompactRebuilt(b"d", 10, 7, 1, 2, 1_000, 100, 200),
    committed(9),
    EpochBegun(1, 4, 9),
)


@pytest.fixture
def metrics() -> NodeMetrics:
    made = NodeMetrics(3, Blocks({b"d": [b"a", b"b"]}), shard="1")
    for number, event in enumerate(EVENTS):
        made.event(Instant(number * SECOND), event)
    made.sent(Instant(0), "Prepare", 3, 300)
    made.sent(Instant(0), "Prepare", 2, 200)
    made.stored(Instant(0), 5_000, 3_000_000)
    return made


def value(metrics: NodeMetrics, name: str, **labels: str) -> float:
    body, _ = metrics.text()
    own = {"node": "3", "shard": "1", **labels}
    return last_samples(body.decode())[Sample(name, frozenset(own.items()))]


def test_events_are_counted(metrics: NodeMetrics) -> None:
    assert value(metrics, "blockchain_transactions_total") == 2
    assert value(metrics, "blockchain_gas_used_total") == 42_000
    assert value(metrics, "blockchain_height") == 9
    assert value(metrics, "sync_runs_total") == 1
    assert value(metrics, "sync_snapshots_total") == 1
    assert value(metrics, "consensus_view_changes_total") == 1
    assert value(metrics, "consensus_evidence_total", kind="prepare") == 1
    assert value(metrics, "execution_gas_total", task="building") == 42_000
    assert value(metrics, "network_peer_offences_total", reason="no answer in time") == 1
    assert value(metrics, "txpool_rejected_total", code="nonce_too_low") == 1
    assert value(metrics, "network_compact_transactions_total", origin="matched") == 7
    assert value(metrics, "network_compact_bytes_total", form="fetched") == 200


def test_a_decision_is_from_the_first_accepted_proposal_to_the_commit() -> None:
    metrics = NodeMetrics(3, shard="1")
    one, other = Hash32(b"a" * 32), Hash32(b"b" * 32)
    for at, event in (
        (1, PrePrepared(View(0), Sequence(1), one)),
        (2, PrePrepared(View(0), Sequence(2), one)),
        (3, PrePrepared(View(1), Sequence(2), other)),
        (4, Committed(View(0), Sequence(1), one)),
        (9, Committed(View(1), Sequence(2), other)),
    ):
        metrics.event(Instant(at * SECOND), event)
    assert value(metrics, "consensus_decision_seconds_count") == 2
    assert value(metrics, "consensus_decision_seconds_sum") == 3 + 7


def test_a_fetched_sequence_is_no_decision() -> None:
    decisions = Decisions()
    decisions.accepted(1, 4)
    decisions.accepted(1, 6)
    assert decisions.committed(2, 5) is None
    assert decisions.committed(3, 4) is None
    assert decisions.committed(9, 6) == 8


def test_decisions_that_are_waited_for_are_bounded() -> None:
    decisions = Decisions()
    for sequence in range(2 * IN_FLIGHT_MAX):
        decisions.accepted(1, sequence)
    assert decisions.committed(2, 2 * IN_FLIGHT_MAX - 1) is None
    decisions.accepted(3, 2 * IN_FLIGHT_MAX)
    assert decisions.committed(4, 2 * IN_FLIGHT_MAX) == 1


def test_an_epoch_begins_with_view_0(metrics: NodeMetrics) -> None:
    assert value(metrics, "consensus_epoch") == 1
    assert value(metrics, "consensus_view") == 0


def test_messages_and_batches_are_counted(metrics: NodeMetrics) -> None:
    assert value(metrics, "network_sent_messages_total", kind="Prepare") == 5
    assert value(metrics, "network_sent_bytes_total", kind="Prepare") == 500
    assert value(metrics, "storage_syncs_total") == 1
    assert value(metrics, "storage_sync_wait_seconds_bucket", le="0.002") == 0
    assert value(metrics, "storage_sync_wait_seconds_bucket", le="0.005") == 1
    assert value(metrics, "storage_sync_wait_seconds_sum") == 0.003


def test_a_fetched_state_is_followed_by_its_end(metrics: NodeMetrics) -> None:
    metrics.event(Instant(0), SnapshotStarted(1, 8, b"s"))
    assert value(metrics, "sync_running") == 1
    metrics.event(Instant(0), SyncFinished(8))
    assert value(metrics, "sync_running") == 0


def test_confirmation_is_from_submission_to_commit(metrics: NodeMetrics) -> None:
    """Number 10 of the events submits it, number 12 commits it: 2 s."""
    assert value(metrics, "blockchain_confirmation_time_seconds_sum") == 2
    assert value(metrics, "blockchain_confirmation_time_seconds_count") == 1


def test_a_gateway_counts_what_its_clients_saw() -> None:
    metrics = NodeMetrics(3, shard="1")
    metrics.event(Instant(0), Accepted(b"a"))
    metrics.event(Instant(0), Finalised(b"a", 0, 1, b"d", 400_000_000))
    metrics.event(Instant(0), Refused(b"b", "gateway_full", 5))
    assert value(metrics, "txpool_submitted_total") == 1
    assert value(metrics, "blockchain_confirmation_time_seconds_sum") == 0.4
    assert value(metrics, "txpool_rejected_total", code="gateway_full") == 1


def test_submissions_that_wait_are_bounded() -> None:
    blocks = Blocks({b"d": [b"first", b"0"]})
    waiting = Confirmations(blocks)
    waiting.submitted(0, b"first")
    for number in range(WAITING_MAX):
        waiting.submitted(5, b"%d" % number)
    assert list(waiting.committed(7, b"d")) == [2]


def test_a_second_submission_does_not_move_the_first() -> None:
    waiting = Confirmations(Blocks({b"d": [b"a"]}))
    waiting.submitted(1, b"a")
    waiting.submitted(5, b"a")
    assert list(waiting.committed(7, b"d")) == [6]


def test_a_refused_transaction_is_waited_for_by_nobody() -> None:
    waiting = Confirmations(Blocks({b"d": [b"a"]}))
    waiting.submitted(1, b"a")
    waiting.rejected(b"a")
    assert list(waiting.committed(7, b"d")) == []


def test_the_two_formats_hold_the_same_numbers(metrics: NodeMetrics) -> None:
    old, old_type = metrics.text()
    new, new_type = metrics.text(OPEN_METRICS)
    assert old_type.startswith("text/plain; version=0.0.4")
    assert new_type.startswith("application/openmetrics-text; version=1.0.0")
    parsed_old = {s.name: 0 for family in text_format(old.decode()) for s in family.samples}
    parsed_new = {s.name: 0 for family in open_metrics(new.decode()) for s in family.samples}
    assert parsed_old == parsed_new
    assert last_samples(old.decode()) == last_samples(new.decode())


def test_openmetrics_is_for_who_asks_for_it(metrics: NodeMetrics) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5"
    assert metrics.text(accept)[0].endswith(b"# EOF\n")
    assert not metrics.text("text/html")[0].endswith(b"# EOF\n")


def test_families_stand_in_the_order_of_the_table(metrics: NodeMetrics) -> None:
    body, _ = metrics.text(OPEN_METRICS)
    names = [line.split()[2] for line in body.decode().splitlines() if line.startswith("# TYPE")]
    assert names == [name for name in BY_NAME if name in names]


def test_labels_are_escaped() -> None:
    metrics = NodeMetrics(3, shard="1")
    metrics.event(Instant(0), TransactionRejected(b"x", 'a "b" \\ c\nd'))
    (family,) = [
        each
        for each in open_metrics(metrics.text(OPEN_METRICS)[0].decode())
        if each.name == chain.REJECTED.name
    ]
    assert family.samples[0].labels["code"] == 'a "b" \\ c\nd'


def test_promtool_finds_nothing_wrong(metrics: NodeMetrics) -> None:
    body, _ = metrics.text()
    command = [tool("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=body, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_a_reading_of_seconds_may_be_counted_in_nanoseconds() -> None:
    assert Reading(BY_NAME["runtime_busy_seconds"], 1_500_000_000).number == 1.5
    assert Reading(BY_NAME["runtime_busy_seconds"], 1.5).number == 1.5
    assert Reading(chain.HEIGHT, 7).number == 7


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    histogram = Histogram((10, 20))
    for number in (0, 10, 11, 20, 21):
        histogram.add(number)
    assert histogram.counts == [2, 2, 1]
    assert histogram.sum == 62
