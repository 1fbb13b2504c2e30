"""The alerts, asked by promtool what they say of a network of four validators and a follower."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.observe.families import COMMON_LABELS, FAMILIES
from node.observe.rules import ALERTS, RULES, rules_file
from tests.unit.node.observe.exposition import tool
from tests.unit.node.observe.test_monitoring import MATCHER, NAME, sampled

WELL = 'instance="n{0}", job="orrery", network="net", role="{1}"'
NODES = [(0, "validator"), (1, "validator"), (2, "validator"), (3, "validator"), (4, "follower")]
STEADY = {
    "up": "1x20",
    "blockchain_height": "100+1x20",
    "blockchain_blocks_total": "100+1x20",
    "consensus_view_changes_total": "2x20",
    'network_peers{peer_role="validator"}': "3x20",
    'txpool_transactions{state="pending"}': "5x20",
}
"""A sample each 15 s, for five minutes."""


def series(changes: dict[tuple[int, str], str]) -> list[dict[str, str]]:
    """Return the samples of a network, all well but for the changes, by node and family."""
    given = []
    for node, role in NODES:
        for family, values in STEADY.items():
            name, _, own = family.partition("{")
            labels = WELL.format(node, role) + f', node="{node}"' + (f", {own[:-1]}" if own else "")
            shown = changes.get((node, name), values)
            given.append({"series": f"{name}{{{labels}}}", "values": shown})
    return given


def fired(tmp_path: Path, given: list[dict[str, str]], at: str = "5m") -> dict[str, int]:
    """Return how many alerts of each name promtool finds firing after a while.

    It tells them only by what it did not expect: so it is told to expect none.
    """
    (tmp_path / RULES).write_text(rules_file())
    tests: list[dict[str, Any]] = [
        {"eval_time": at, "alertname": alert.name, "exp_alerts": []} for alert in ALERTS
    ]
    content = {
        "rule_files": [RULES],
        "evaluation_interval": "15s",
        "tests": [{"interval": "15s", "input_series": given, "alert_rule_test": tests}],
    }
    (tmp_path / "test.yml").write_bytes(msgspec.json.encode(content))
    command = [tool("promtool"), "test", "rules", "test.yml"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    text = done.stdout + done.stderr
    assert "FAILED" in text or "SUCCESS" in text, text
    return {
        alert.name: count
        for alert in ALERTS
        if (count := text.count(f'alertname="{alert.name}", '))
    }


def everywhere(family: str, values: str) -> dict[tuple[int, str], str]:
    return {(node, family): values for node, _ in NODES}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({(4, "up"): "0x20"}, {"NodeDown": 1}),
        ({(2, "up"): "0x20", (3, "up"): "0x20"}, {"NodeDown": 2, "TooFewValidators": 1}),
        (everywhere("blockchain_blocks_total", "100x20"), {"HeightStalled": 1}),
        (
            everywhere("blockchain_blocks_total", "100x20")
            | everywhere("txpool_transactions", "0x20"),
            {},
        ),
        ({(4, "blockchain_height"): "80x20"}, {"NodeBehind": 1}),
        ({(1, "consensus_view_changes_total"): "2+1x20"}, {"ViewChanges": 1}),
        ({(1, "network_peers"): "2x20"}, {}),
        ({(1, "network_peers"): "1x20", (4, "network_peers"): "1x20"}, {"PeersLow": 1}),
    ],
)
def test_an_alert_fires_for_what_it_is_about_and_nothing_else(
    tmp_path: Path, changes: dict[tuple[int, str], str], expected: dict[str, int]
) -> None:
    assert fired(tmp_path, series(changes)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("_x8 1x12", {"Lies": 1}),  # The first of its kind: a node has no series for it before.
        ("1x8 2x12", {"Lies": 1}),
        ("0x20", {}),
    ],
)
def test_a_proof_of_a_lie_is_told(tmp_path: Path, values: str, expected: dict[str, int]) -> None:
    assert fired(tmp_path, [*series({}), proof(values)]) == expected


def test_a_proof_is_told_for_five_minutes(tmp_path: Path) -> None:
    # The alerts are asked for after five minutes; the proof was there seven minutes before.
    given = [{**each, "values": each["values"].replace("x20", "x60")} for each in series({})]
    assert fired(tmp_path, [*given, proof("1x60")], "12m") == {}


def proof(values: str) -> dict[str, str]:
    """Return the samples of a counter of proofs."""
    labels = WELL.format(0, "validator") + ', node="0", kind="vote"'
    return {"series": f"consensus_evidence_total{{{labels}}}", "values": values}


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text(rules_file())
    command = [tool("promtool"), "check", "rules", str(tmp_path / RULES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


def test_alerts_name_only_what_is_in_the_table() -> None:
    labels = {"job", "network", "role", *COMMON_LABELS}
    labels |= {label for family in FAMILIES for label in family.labels}
    for alert in ALERTS:
        assert set(NAME.findall(alert.expression)) <= sampled().keys() | {"up"}
        assert set(MATCHER.findall(alert.expression)) <= labels
