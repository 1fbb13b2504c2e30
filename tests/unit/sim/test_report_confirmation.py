"""Confirmation times: submission at a node to commit at that same node."""

from hypothesis import given, strategies as st

from sim.report.confirmation import RECENT_BLOCKS, ConfirmationLedger
from tests.unit.sim.report_runs import Blocks, digest_of, transaction


def ledger(**blocks: tuple[int, ...]) -> ConfirmationLedger:
    """Return a ledger that knows blocks h1=(...), h2=(...) by their transaction numbers."""
    contents = Blocks()
    for name, numbers in blocks.items():
        contents.hashes[digest_of(int(name[1:]))] = tuple(transaction(n) for n in numbers)
    return ConfirmationLedger(contents)


def test_time_ends_at_the_commit_of_the_node_that_took_the_submission() -> None:
    book = ledger(h1=(1,))
    book.submitted(100, 2, transaction(1))
    assert book.committed(150, 0, digest_of(1)) == []
    assert book.committed(180, 2, digest_of(1)) == [80]
    assert book.latency_ns.numpy().tolist() == [80]
    assert book.submitted_ns.numpy().tolist() == [100]


def test_a_second_commit_at_the_node_counts_nothing() -> None:
    book = ledger(h1=(1,))
    book.submitted(100, 2, transaction(1))
    book.committed(180, 2, digest_of(1))
    assert book.committed(190, 2, digest_of(1)) == []


def test_the_same_transaction_at_two_nodes_is_timed_at_each() -> None:
    book = ledger(h1=(1,))
    book.submitted(100, 0, transaction(1))
    book.submitted(120, 1, transaction(1))
    assert book.committed(200, 0, digest_of(1)) == [100]
    assert book.committed(200, 1, digest_of(1)) == [80]


def test_a_repeated_submission_keeps_the_first_instant() -> None:
    book = ledger(h1=(1,))
    book.submitted(100, 0, transaction(1))
    book.submitted(170, 0, transaction(1))
    assert book.committed(200, 0, digest_of(1)) == [100]


def test_a_submission_after_the_first_commit_elsewhere_is_still_timed() -> None:
    book = ledger(h1=(1,))
    book.committed(100, 0, digest_of(1))
    book.submitted(130, 3, transaction(1))
    assert book.committed(190, 3, digest_of(1)) == [60]
    assert book.open_submissions() == []


def test_a_submission_after_the_node_s_own_commit_stays_open() -> None:
    book = ledger(h1=(1,))
    book.committed(100, 3, digest_of(1))
    book.submitted(130, 3, transaction(1))
    assert book.open_submissions() == [130]


def test_a_rejected_submission_is_not_waited_for() -> None:
    book = ledger(h1=(1,))
    book.submitted(100, 0, transaction(1))
    book.submitted(101, 1, transaction(1))
    book.rejected(0, transaction(1))
    assert book.committed(150, 0, digest_of(1)) == []
    assert book.committed(150, 1, digest_of(1)) == [49]


def test_a_rejection_without_a_submission_is_harmless() -> None:
    ledger().rejected(0, transaction(9))


def test_a_block_is_looked_into_once_while_it_is_recent() -> None:
    contents = Blocks()
    book = ConfirmationLedger(contents)
    for node in range(5):
        book.committed(100 + node, node, digest_of(1))
    assert contents.asked == [digest_of(1)]


def test_a_straggler_is_timed_even_when_its_block_is_long_forgotten() -> None:
    contents = Blocks()
    contents.hashes[digest_of(1)] = (transaction(1),)
    book = ConfirmationLedger(contents)
    book.submitted(5, 9, transaction(1))
    for height in range(1, RECENT_BLOCKS + 20):
        book.committed(10 * height, 0, digest_of(height))
    assert book.committed(99_999, 9, digest_of(1)) == [99_994]


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(0, 3), st.integers(0, 8)),
        st.tuples(st.just("commit"), st.integers(0, 3), st.integers(1, 3)),
    ),
    max_size=40,
)
_CONTENTS = {1: (0, 1, 2), 2: (3, 4, 5), 3: (6, 7, 8)}


@given(_steps)
def test_agrees_with_looking_up_every_transaction_at_every_commit(
    steps: list[tuple[str, int, int]],
) -> None:
    book = ledger(**{f"h{height}": numbers for height, numbers in _CONTENTS.items()})
    open_at: dict[tuple[int, int], int] = {}
    naive: list[tuple[int, int]] = []
    done: dict[tuple[int, int], None] = {}
    for now, (step, node, number) in enumerate(steps):
        if step == "submit":
            book.submitted(now, node, transaction(number))
            open_at.setdefault((node, number), now)
        elif (node, number) not in done:
            done[node, number] = None
            taken = [n for n in _CONTENTS[number] if (node, n) in open_at]
            naive += [(open_at[node, n], now - open_at.pop((node, n))) for n in taken]
            book.committed(now, node, digest_of(number))
    submitted, latency = book.submitted_ns.numpy().tolist(), book.latency_ns.numpy().tolist()
    assert sorted(zip(submitted, latency, strict=True)) == sorted(naive)
    assert sorted(book.open_submissions()) == sorted(open_at.values())
