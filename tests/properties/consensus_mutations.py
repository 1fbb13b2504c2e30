"""Faults to plant into the consensus code: whoever tests it must notice them.

A mutation replaces one piece of text in one module. It is planted by giving the module's functions
the mutated code objects, so that it does not matter who has imported them.
"""

import ast
import importlib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Mutation:
    """One planted fault."""

    name: str
    module: str
    old: str
    new: str

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Change the code until `patch` is undone."""
        module = importlib.import_module(self.module)
        assert module.__file__ is not None
        text = Path(module.__file__).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.name}: the text stands {text.count(self.old)}x"
        mutated = compile(ast.parse(text.replace(self.old, self.new)), module.__file__, "exec")
        planted = 0
        for code in _functions(mutated):
            function = _find(module, code.co_qualname)
            if function is not None and _differs(function.__code__, code):
                patch.setattr(function, "__code__", code)
                planted += 1
        assert planted, f"{self.name}: nothing has changed"


def _functions(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _functions(constant)


def _differs(one: types.CodeType, other: types.CodeType) -> bool:
    return (one.co_code, one.co_names, one.co_consts) != (
        other.co_code,
        other.co_names,
        other.co_consts,
    )


def _find(module: types.ModuleType, qualname: str) -> types.FunctionType | None:
    found: object = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if isinstance(found, property):
        found = found.fget
    return found if isinstance(found, types.FunctionType) else None


MUTATIONS = (
    Mutation(
        "quorum one too small",
        "primitives.committee",
        "return (self.size + self.faults + 2) // 2",
        "return (self.size + self.faults) // 2",
    ),
    Mutation(
        "duplicate vote counted",
        "consensus.normal",
        "    if (counted := votes[sender]) is not None:\n"
        "        return expose(state, slot, counted, message)\n"
        "    if sender != state.index and not state.verify(message):\n"
        "        return state.verified\n"
        "    votes[sender] = message\n"
        "    if message.digest == slot.digest:\n",
        "    if sender != state.index and not state.verify(message):\n"
        "        return state.verified\n"
        "    votes[sender] = message\n"
        "    if message.digest == slot.digest:\n",
    ),
    Mutation(
        "vote not persisted",
        "consensus.log",
        "records = [_about(state, sequence, ACCEPTED + _SEQUENCE.pack(sequence), accepted)]",
        "records = []",
    ),
    Mutation(
        "accepted proposals forgotten in a restart",
        "consensus.recovery",
        "if accepted.view != state.view or sequence <= state.delivered:",
        "if accepted.view >= 0:",
    ),
    Mutation(
        "prepared certificates not shown in a view change",
        "consensus.view_change",
        "while (proof := state.prepared.get(sequence)) is not None and proof.parent == below:",
        "while (proof := state.prepared.get(sequence)) is not None and proof.parent == b'':",
    ),
    Mutation(
        "votes after the promise not to",
        "consensus.state",
        "return self.changing.target <= self.view",
        "return True",
    ),
    Mutation(
        "view change not repeated",
        "consensus.repair",
        "    if not state.voting:\n        announce(state, effects)\n",
        "",
    ),
    Mutation(
        "prepared certificates not written down",
        "consensus.log",
        "record = _about(state, sequence, PREPARED + _SEQUENCE.pack(sequence), certificate)",
        "record = Record(TABLE, VIEW_CHANGE, None)",
    ),
)
"""Found by chaos alone. Add to this list whatever should be."""

UNIT = "tests.unit.consensus."

RULES = (
    (
        Mutation(
            "prepare counted for the primary",
            "consensus.normal",
            "if slot.prepared or sender == state.primary:",
            "if slot.prepared:",
        ),
        UNIT + "test_normal_case:test_the_primarys_prepare_does_not_count",
    ),
    (
        Mutation(
            "no watermark check",
            "consensus.normal",
            "if sequence > state.delivered + state.params.window or sender >= state.size:",
            "if sender >= state.size:",
        ),
        UNIT + "test_durability:test_a_flood_fills_no_more_than_the_window",
    ),
    (
        Mutation(
            "certificate of the lowest view wins",
            "consensus.new_view_rules",
            "max(highest, view)",
            "min(highest, view)",
        ),
        UNIT + "test_new_view_rules:test_the_highest_view_wins_at_each_sequence",
    ),
    (
        Mutation(
            "digest not compared",
            "consensus.normal",
            "if message.digest == slot.digest and message.parent == slot.parent:",
            "if message.parent == slot.parent:",
        ),
        UNIT + "test_normal_case:test_votes_for_another_digest_do_not_count",
    ),
    (
        Mutation(
            "new view not verified",
            "consensus.new_view",
            "    if not state.verify(message):\n        return False\n",
            "",
        ),
        UNIT + "test_view_change:test_a_new_view_of_another_signer_is_refused",
    ),
    (
        Mutation(
            "timer never doubled",
            "consensus.timers",
            "return Duration(timeout << doublings)",
            "return Duration(timeout << (doublings & 0))",
        ),
        UNIT + "test_timers:test_the_timeout_doubles_with_each_view_that_does_not_begin",
    ),
    (
        Mutation(
            "COMMIT sent over an unprepared gap",
            "consensus.acceptance",
            "if slot is None or not slot.prepared or not state.voting:",
            "if slot is None or not state.voting:",
        ),
        UNIT + "test_linked_blocks:test_commit_waits_until_everything_below_is_prepared",
    ),
    (
        Mutation(
            "parent link not checked in the new view",
            "consensus.new_view_rules",
            "        if shown.parent != below:\n            break\n",
            "",
        ),
        UNIT + "test_new_view_rules:test_a_winner_that_does_not_link_ends_the_list",
    ),
    (
        Mutation(
            "P set not linked",
            "consensus.new_view_rules",
            "        if proof.parent != below:\n",
            "        if proof.parent == b'':\n",
        ),
        UNIT + "test_linked_blocks:test_view_change_proofs_must_link",
    ),
    (
        Mutation(
            "join on f",
            "consensus.view_change",
            "joined = others[state.faults]",
            "joined = others[0]",
        ),
        UNIT + "test_view_change:test_f_plus_1_view_changes_are_joined_at_once",
    ),
    (
        Mutation(
            "prepared with one PREPARE less",
            "consensus.state",
            "backups=quorum - 1,",
            "backups=quorum - 2,",
        ),
        UNIT + "test_normal_case:test_prepared_takes_q_minus_1_prepares_of_backups",
    ),
    (
        Mutation(
            "parent not compared",
            "consensus.acceptance",
            "if slot.parent is None or state.digest_at(below) != slot.parent:",
            "if slot.parent is None:",
        ),
        UNIT + "test_linked_blocks:test_the_first_proposal_stands_on_the_head",
    ),
    (
        Mutation(
            "checkpoint on f+1: a certificate of so few is believed",
            "consensus.signing",
            "check_signers(certificate, committee.size, committee.quorum)\n",
            "check_signers(certificate, committee.size, committee.faults + 1)\n",
        ),
        UNIT + "test_certificates:test_too_few_repeated_unsorted_or_unknown_signers_are_refused",
    ),
    (
        Mutation(
            "payload of an accepted block not written down",
            "consensus.log",
            "    if not block.durable:\n",
            "    if block.payload == b'':\n",
        ),
        "tests.properties.test_consensus_prefix:test_who_commits_holds_the_whole_prefix_durably",
    ),
    (
        Mutation(
            "one complaint replaces a primary",
            "consensus.fairness",
            "return len(others) >= state.faults",
            "return True",
        ),
        UNIT + "test_fairness:test_who_is_alone_with_its_complaint_stays_and_repeats_it",
    ),
    (
        Mutation(
            "evidence without a signature",
            "consensus.exposure",
            "if state.verify(second):",
            "if second.signature:",
        ),
        UNIT + "test_evidence:test_a_contradiction_with_a_bad_signature_is_no_evidence",
    ),
    (
        Mutation(
            "votes of two views contradict each other",
            "consensus.evidence",
            "if (first.view, first.sequence) != (second.view, second.sequence):",
            "if first.sequence != second.sequence:",
        ),
        UNIT + "test_evidence:test_votes_of_two_views_do_not_contradict_each_other",
    ),
    (
        Mutation(
            "each delivery forgives the censor",
            "consensus.delivery",
            "    restart(state, now, effects)\n",
            "    restart(state, now, effects)\n    state.fairness.armed = False\n",
        ),
        UNIT + "test_fairness:test_deliveries_do_not_calm_the_fairness_timer",
    ),
)
"""Faults that take a liar or a rare accident, each with the test of the rule that it breaks."""
