"""When a live node is well."""

import msgspec

from node.observe.health import Facts, Health, Patience, health

SECOND = 1_000_000_000


def judged(**changes: object) -> Health:
    fields: dict[str, object] = {
        "height": 7,
        "syncing": False,
        "peers": 3,
        "peers_needed": 2,
        "last_commit_age_ns": SECOND,
    }
    return health(msgspec.convert(fields | changes, Facts))


def test_a_node_that_takes_part_is_well() -> None:
    assert judged().healthy
    assert judged().status == 200
    assert judged().reasons == ()


def test_a_node_alone_needs_nobody() -> None:
    assert judged(peers=0, peers_needed=0, last_commit_age_ns=None).healthy


def test_too_few_peers() -> None:
    found = judged(peers=1)
    assert found.status == 503
    assert found.reasons == ("1 peer is connected, at least 2 needed",)


def test_fetching() -> None:
    assert judged(syncing=True).reasons == ("the node fetches blocks that it lacks",)


def test_stopping() -> None:
    assert judged(stopping=True).reasons == ("the node stops",)


def test_a_standstill_is_a_transaction_that_waits_while_nothing_is_committed() -> None:
    old = {"last_commit_age_ns": 40 * SECOND}
    assert judged(**old, pending=0).healthy
    assert judged(**old, pending=1, oldest_wait_ns=2 * SECOND).healthy
    assert judged(pending=1, oldest_wait_ns=31 * SECOND).healthy
    found = judged(**old, pending=1, oldest_wait_ns=31 * SECOND)
    assert found.reasons == ("a transaction has been waiting for 31 s, and nothing was committed",)


def test_a_node_that_has_never_committed_stands_still_too() -> None:
    assert not judged(last_commit_age_ns=None, pending=1, oldest_wait_ns=31 * SECOND).healthy


def test_several_reasons_are_all_told() -> None:
    assert len(judged(syncing=True, peers=0, stopping=True).reasons) == 3


def test_patience_can_be_chosen() -> None:
    facts = Facts(
        height=1,
        syncing=False,
        peers=3,
        peers_needed=2,
        last_commit_age_ns=4 * SECOND,
        pending=1,
        oldest_wait_ns=4 * SECOND,
    )
    assert health(facts).healthy
    assert not health(facts, Patience(standstill_ns_max=3 * SECOND)).healthy


def test_the_answer_is_json_with_what_was_asked_for() -> None:
    found = msgspec.json.decode(msgspec.json.encode(judged(peers=1)))
    assert found == {
        "alive": True,
        "healthy": False,
        "reasons": ["1 peer is connected, at least 2 needed"],
        "height": 7,
        "syncing": False,
        "peers": 1,
        "peers_needed": 2,
        "pending": 0,
        "last_commit_age_seconds": 1.0,
    }
