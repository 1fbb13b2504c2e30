"""What is generated for Prometheus and Grafana, read back by the tools that will read it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.observe.dashboard import SCHEMA_VERSION, dashboard
from node.observe.families import COMMON_LABELS, FAMILIES, Family, Kind
from node.observe.panels import ROWS, Panel, Query
from node.observe.prometheus import CONFIG, TARGETS, Target, prometheus_config, targets_file
from node.observe.rules import RULES, rules_file
from tests.unit.node.observe.exposition import tool

NAME = re.compile(r"\b([a-z][a-z0-9_]*)\{")
MATCHER = re.compile(r"([a-z_]+)(?:=~|=)\"")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")
PANELS = [panel for row in ROWS for panel in row.panels]
QUERIES = [query for panel in PANELS for query in panel.queries]
TARGET_LABELS = {"network", "role"}
"""Labels that `targets.json` gives to every series."""


def sampled() -> dict[str, Family]:
    """Return each name that samples have, with its family."""
    found = {}
    for family in FAMILIES:
        names = (
            [f"{family.name}_{end}" for end in ("bucket", "count", "sum")]
            if family.kind is Kind.HISTOGRAM
            else [family.sample]
        )
        found.update(dict.fromkeys(names, family))
    return found


def plain(expression: str) -> str:
    """Return an expression as Grafana sends it, its variables at "All"."""
    filled = expression.replace("$__rate_interval", "1m")
    return filled.replace("$network", ".*").replace("$node", ".*")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    targets = [Target("127.0.0.1:1", "validator"), Target("127.0.0.1:2", "follower")]
    (tmp_path / CONFIG).write_text(prometheus_config())
    (tmp_path / TARGETS).write_text(targets_file("devnet", targets))
    (tmp_path / RULES).write_text(rules_file())
    return tmp_path


# ---------------------------------------------------------------- the dashboard


@pytest.mark.parametrize("query", QUERIES, ids=[query.expression[:60] for query in QUERIES])
def test_every_name_and_label_is_in_the_table(query: Query) -> None:
    names = NAME.findall(query.expression)
    assert names
    known = sampled()
    assert set(names) <= known.keys()
    labels = {"le", *COMMON_LABELS, *TARGET_LABELS}
    for name in names:
        labels |= set(known[name].labels)
    assert set(MATCHER.findall(query.expression)) <= labels
    for group in GROUPED.findall(query.expression):
        assert {each.strip() for each in group.split(",")} <= labels
    assert set(LEGEND.findall(query.legend)) <= labels


@pytest.mark.parametrize("query", QUERIES, ids=[query.expression[:60] for query in QUERIES])
def test_legends_name_only_labels_that_are_left(query: Query) -> None:
    """After `sum by (kind)` there is no node to name any more."""
    groups = GROUPED.findall(query.expression)
    if groups and query.expression.startswith(("sum", "max", "histogram_quantile")):
        outer = {each.strip() for each in groups[0].split(",")}
        assert set(LEGEND.findall(query.legend)) <= outer


def test_counters_are_asked_for_their_rate() -> None:
    known = sampled()
    exceptions = {"consensus_evidence_total", "network_peer_offences_total"}
    for query in QUERIES:
        for name in NAME.findall(query.expression):
            if known[name].kind is not Kind.GAUGE and name not in exceptions:
                assert f"rate({name}{{" in query.expression


def test_prometheus_parses_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"check:rule{number}", "expr": plain(query.expression)}
        for number, query in enumerate(QUERIES)
    ]
    source = tmp_path / "rules.json"
    source.write_bytes(msgspec.json.encode({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = [tool("promtool"), "check", "rules", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_the_panels_that_were_asked_for_are_there() -> None:
    shown = " ".join(query.expression for query in QUERIES)
    for name in (
        "blockchain_tps",
        "blockchain_confirmation_time_seconds_bucket",
        "blockchain_block_time_seconds_bucket",
        "consensus_view",
        "network_sent_bytes_total",
        "runtime_queue_depth",
        "storage_sync_wait_seconds_bucket",
        "blockchain_cpu_usage",
        "blockchain_memory_bytes",
    ):
        assert name in shown
    assert "histogram_quantile(0.99, sum by (le)" in shown
    assert "sum by (kind) (rate(network_sent_bytes_total" in shown


def content() -> dict[str, Any]:
    found = msgspec.json.decode(dashboard("Orrery: devnet"))
    assert isinstance(found, dict)
    return found


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    panels = content()["panels"]
    numbers = [panel["id"] for panel in panels]
    assert len(numbers) == len(set(numbers)) == len(PANELS) + len(ROWS)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert all(x < 24 for x, _ in cells)
        taken |= cells


def test_every_graph_asks_the_data_source_that_was_chosen() -> None:
    found = content()
    assert found["schemaVersion"] == SCHEMA_VERSION
    source, *variables = found["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert {each["name"]: each["allValue"] for each in variables} == {
        "network": ".*",
        "node": ".*",
    }
    for panel in found["panels"]:
        if panel["type"] != "row":
            asked = [panel["datasource"], *(each["datasource"] for each in panel["targets"])]
            assert all(each == {"type": "prometheus", "uid": "${datasource}"} for each in asked)
            references = [each["refId"] for each in panel["targets"]]
            assert len(references) == len(set(references))


def test_a_panel_says_what_it_shows() -> None:
    titles = [panel.title for panel in PANELS]
    assert len(titles) == len(set(titles))
    assert all(panel.description.endswith(".") for panel in PANELS)


def test_time_and_bytes_have_their_units() -> None:
    def units_of(panel: Panel) -> set[str]:
        names = {n for query in panel.queries for n in NAME.findall(query.expression)}
        return {sampled()[name].unit for name in names if name.endswith("_bucket")}

    expected = {"seconds": "s", "bytes": "bytes"}
    for panel in PANELS:
        for unit in units_of(panel):
            assert panel.unit == expected[unit]


# ---------------------------------------------------------------- Prometheus


def test_promtool_accepts_the_configuration(written: Path) -> None:
    command = [tool("promtool"), "check", "config", str(written / CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_promtool_discovers_the_targets(written: Path) -> None:
    command = [tool("promtool"), "check", "service-discovery", "--timeout=2s"]
    command += [str(written / CONFIG), "orrery"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(done.stdout)
    labels = {each["labels"]["instance"]: each["labels"] for each in found}
    assert labels.keys() == {"127.0.0.1:1", "127.0.0.1:2"}
    assert labels["127.0.0.1:2"]["role"] == "follower"
    assert labels["127.0.0.1:2"]["network"] == "devnet"
    assert labels["127.0.0.1:2"]["__metrics_path__"] == "/metrics"


def test_names_are_quoted() -> None:
    assert r'files: ["a \"b\".json"]' in prometheus_config(5, 'a "b".json')
    found = msgspec.json.decode(targets_file('de"v', [Target("h:1", "validator")]))
    assert found == [{"targets": ["h:1"], "labels": {"network": 'de"v', "role": "validator"}}]


def test_a_network_without_nodes_is_an_empty_list() -> None:
    assert msgspec.json.decode(targets_file("devnet", [])) == []
