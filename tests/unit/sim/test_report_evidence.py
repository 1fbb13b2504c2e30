"""The table of evidence: whom something is proven of, by whom, and how often."""

from pathlib import Path

from rich.console import Console

from consensus.trace import EvidenceFound
from node.trace import PeerScored
from primitives.ids import NodeId, Sequence, View
from sim.cli.summary import show_result
from sim.report.evidence import EvidenceLedger
from sim.report.result import Offender
from sim.run import run_scenario
from sim.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[3]


def proof(culprit: int, kind: str, sequence: int) -> EvidenceFound:
    return EvidenceFound(NodeId(culprit), kind, View(0), Sequence(sequence))


def test_without_evidence_there_are_no_offenders() -> None:
    assert EvidenceLedger().offenders() == ()
    assert EvidenceLedger().standings() == ()


def test_the_score_is_the_highest_of_any_accuser() -> None:
    ledger = EvidenceLedger()
    for accuser, kind, sequence in (
        (1, "prepare", 5),
        (1, "commit", 5),
        (1, "prepare", 6),
        (0, "prepare", 5),
        (0, "commit", 6),
        (0, "commit", 7),
        (0, "commit", 8),
    ):
        ledger.on_evidence(accuser, proof(3, kind, sequence))
    ledger.on_evidence(1, proof(2, "proposal", 9))
    second, third = ledger.offenders()
    assert second == Offender(replica=2, score=1, accusers=1, kinds={"proposal": 1})
    assert third == Offender(replica=3, score=4, accusers=2, kinds={"commit": 3, "prepare": 2})


def test_standings_have_the_lowest_score_and_all_reasons() -> None:
    ledger = EvidenceLedger()
    for node, peer, score, reason in (
        (1, 3, 50, "a chunk that does not prove itself"),
        (1, 3, 46, "no answer in time"),
        (0, 3, 96, "no answer in time"),
        (0, 3, 97, "no answer in time"),
        (2, 0, 92, "an answer without the blocks it claimed to hold"),
    ):
        ledger.on_scored(node, PeerScored(peer, score, reason))
    zero, third = ledger.standings()
    assert (zero.peer, zero.score, zero.nodes) == (0, 92, 1)
    assert (third.peer, third.score, third.nodes) == (3, 46, 2)
    assert third.offences == {"a chunk that does not prove itself": 1, "no answer in time": 3}
    assert ledger.offenders() == (), "a fall is no evidence"


def test_a_run_with_a_liar_names_it_and_nobody_else(capsys) -> None:
    scenario = load_scenario(ROOT / "scenarios" / "liars" / "equivocating-voter.toml")
    result = run_scenario(scenario, seed=1)
    (offender,) = result.evidence
    liars = [node for group in scenario.network.classes if group.liar for node in group.nodes]
    assert [offender.replica] == liars
    assert offender.score > 0
    assert 0 < offender.accusers < scenario.network.validators
    show_result(result, Console(width=200))
    assert f"node {offender.replica}: score {offender.score:,}" in capsys.readouterr().out
