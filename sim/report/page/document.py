"""The page as a whole."""

from collections.abc import Sequence

from sim.report.collect import Collector
from sim.report.page.block_times import block_time_card
from sim.report.page.cards import card
from sim.report.page.certificates import certificates_card
from sim.report.page.evidence import evidence_card
from sim.report.page.execution import execution_card
from sim.report.page.fast_confirmation import fast_confirmation_card
from sim.report.page.growth import growth_card
from sim.report.page.latency import latency_card
from sim.report.page.markup import Markup, element
from sim.report.page.network_map import network_card
from sim.report.page.overview import (
    banners,
    expectations_card,
    header,
    rejected_card,
    tiles,
)
from sim.report.page.seeds_card import seeds_card
from sim.report.page.shell import definitions, document
from sim.report.page.speed_up import speed_up_card
from sim.report.page.storage import storage_card
from sim.report.page.throughput import throughput_card
from sim.report.page.traffic import traffic_card
from sim.report.page.view_timeline import view_timeline_card
from sim.report.page.wire import compact_card, compression_card
from sim.report.picture import NetworkPicture
from sim.report.result import RunResult


def render_report(
    result: RunResult,
    collector: Collector,
    *,
    network: NetworkPicture | None = None,
    scenario_text: str = "",
    seeds: Sequence[RunResult] = (),
) -> str:
    """Return the report of a finished run as one HTML document.

    Args:
        result: the run's figures.
        collector: its series; finished.
        network: what to draw of the network; without it that section says so.
        scenario_text: the resolved scenario, shown as it is.
        seeds: results of all seeds if there are several; adds a section with intervals.
    """
    return document(
        f"{result.scenario}, seed {result.seed}: Orrery run report",
        header(result, collector.shape),
        banners(result),
        tiles(result, collector),
        element(
            "div",
            expectations_card(result.expectations),
            seeds_card(seeds),
            throughput_card(collector),
            latency_card(collector),
            fast_confirmation_card(result.fast_confirmation, collector),
            block_time_card(collector),
            view_timeline_card(collector),
            execution_card(result.execution),
            speed_up_card(result.execution),
            traffic_card(collector),
            compact_card(result.compact),
            compression_card(result.compression),
            storage_card(result.storage),
            certificates_card(result.certificates),
            network_card(network or NetworkPicture()),
            growth_card(collector),
            rejected_card(result.rejected),
            evidence_card(result.evidence, result.peer_scores),
            _replay_card(result),
            _scenario_card(scenario_text),
            class_="grid",
        ),
        definitions(tuple(_DEFINITIONS.items())),
    )


def _replay_card(result: RunResult) -> Markup:
    command = result.replay or "The run left no command line."
    return card(
        "Replay",
        element("pre", element("code", command), class_="command"),
        note="The same lock file and profile give the same digest. One click selects the line.",
        wide=True,
        name="replay",
    )


def _scenario_card(scenario_text: str) -> Markup | None:
    if not scenario_text:
        return None
    lines = scenario_text.count("\n") + 1
    return card(
        "Scenario",
        element(
            "details",
            element("summary", f"As resolved, with every default filled in ({lines} lines)"),
            element("pre", element("code", scenario_text)),
        ),
        wide=True,
        name="scenario",
    )


_DEFINITIONS = {
    "Throughput": "transactions first committed anywhere inside the measured window, each counted "
    "once, divided by the window's length.",
    "Confirmation time": "from a client's submission at a node to the commit, at that same node, "
    "of the block that holds the transaction; for submissions inside the measured window. "
    "Percentiles are by nearest rank.",
    "Fast confirmation": "where clients submit through gateways, confirmation times are those that "
    "the gateway sees: the first answer is a quorum of tentative signatures with a proof of the "
    "result, or the commit certificate where that was quicker; final commit is the certificate.",
    "Execution": "of blocks with transactions, at every node, in the whole run. A transaction that "
    "was executed too early, or by a false hint, is executed again.",
    "Block time": "time between successive blocks, each at its first commit anywhere.",
    "Evidence and scores": "a proof is what no honest node signs, and is never forgotten; an "
    "accident, such as silence, is forgotten by and by. Scores go from 100 down to 0; they say "
    "whom a node asks first, never whose vote counts.",
    "Messages and traffic": "handed to links in the whole run, one message for each recipient, "
    "frame headers included.",
}
