"""The report page of a load: like a run's, from the client's point of view."""

from sim.load.histogram import ERROR_BOUND, LatencyHistogram, Quantiles
from sim.load.limits import limit_words
from sim.load.page_errors import errors_card
from sim.load.page_latency import latency_card, latency_over_time_card
from sim.load.page_throughput import throughput_card
from sim.load.result import LoadResult
from sim.report.page import units
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup, element
from sim.report.page.shell import (
    banner,
    definitions,
    document,
    masthead,
    split_unit,
    tile_row,
)

MEGAWEI = 1_000_000
"""Fees below are shown in wei, others in gwei."""


def render_load_report(result: LoadResult, inclusion: LatencyHistogram) -> str:
    """Return the report of a load as one HTML document.

    Args:
        result: its figures.
        inclusion: latencies to inclusion, for their distribution.
    """
    return document(
        f"{result.mix} at {result.offered}: Orrery load report",
        _header(result),
        _banners(result),
        _tiles(result),
        element(
            "div",
            throughput_card(result),
            latency_card(result, inclusion),
            latency_over_time_card(result),
            _quantiles_card(result),
            _chain_card(result),
            errors_card(result),
            class_="grid",
        ),
        definitions(tuple(_DEFINITIONS.items())),
    )


def _header(result: LoadResult) -> Markup:
    if result.partial:
        badge = element("span", "partial", class_="badge warn")
    elif result.passed:
        badge = element("span", "finished", class_="badge plain")
    else:
        badge = element("span", "failed", class_="badge bad")
    nodes = f"{result.urls[0]}" + (f" + {len(result.urls) - 1} more" * (len(result.urls) > 1))
    facts = [
        ("loop", f"{result.loop}, {result.offered}", ""),
        ("accounts", units.count(result.accounts), f"seed {result.seed}"),
        ("nodes", nodes, "\n".join(result.urls)),
        ("software", result.software, ""),
        ("chain", str(result.chain_id), f"genesis {result.genesis}"),
        ("length", units.seconds(result.seconds), f"planned {result.planned_seconds:g} s"),
        ("began", result.began[:19].replace("T", " ") + " UTC", result.began),
    ]
    return masthead("load report", result.mix, badge, facts)


def _banners(result: LoadResult) -> Markup | None:
    parts = []
    if result.trouble is not None:
        parts.append(banner("bad", "The load broke off", result.trouble))
    elif result.partial:
        detail = (
            f"It was interrupted after {units.seconds(result.seconds)} of "
            f"{units.seconds(result.planned_seconds)}. Every figure covers that part only."
        )
        parts.append(banner("warn", "Partial result", detail))
    parts += [banner("warn", "On this side", words) for words in limit_words(result)]
    return element("div", *parts) if parts else None


def _tiles(result: LoadResult) -> Markup:
    inclusion, finality = result.inclusion_seconds, result.finality_seconds
    errors = sum(result.errors.values())
    final = units.seconds(finality.p50), f"p99 {units.seconds(finality.p99)}"
    if not result.has_finality:
        final = units.DASH, "the nodes tell of none"
    block = result.blocks
    per_block = result.included / block.count if block.count else 0.0
    return tile_row(
        [
            ("throughput", units.significant(result.tps), "tx/s", "included"),
            ("offered", units.significant(result.offered_tps), "tx/s", result.loop + " loop"),
            ("inclusion p50", *split_unit(units.seconds(inclusion.p50)), "half are faster"),
            (
                "inclusion p99",
                *split_unit(units.seconds(inclusion.p99)),
                f"p95 {units.seconds(inclusion.p95)}",
            ),
            ("finality p50", *split_unit(final[0]), final[1]),
            ("included", units.compact(result.included), "", _pending_words(result)),
            ("errors", units.compact(errors), "", f"{units.compact(result.resent)} sent again"),
            ("dropped", units.compact(result.dropped), "", "given up"),
            (
                "block time p50",
                *split_unit(units.seconds(block.block_time_p50)),
                f"{units.significant(per_block)} of ours a block",
            ),
        ]
    )


def _pending_words(result: LoadResult) -> str:
    pending = result.unconfirmed
    return f"{units.compact(pending)} not in a block" if pending else "nothing is missing"


def _quantiles_card(result: LoadResult) -> Markup:
    heads = [("latency to", "")] + [
        (name, "number") for name in ("p50", "p90", "p95", "p99", "p99.9", "max")
    ]
    rows = [
        _quantile_row("answer", result.acceptance_seconds),
        _quantile_row("inclusion", result.inclusion_seconds),
        _quantile_row("finality", result.finality_seconds),
        _quantile_row("first request", result.lateness_seconds),
    ]
    note = (
        "All count from the instant at which a transaction should have been sent. "
        f"Quantiles are exact to {ERROR_BOUND:.2%}."
    )
    return card("Latency", table(heads, rows), note=note, name="quantiles")


def _quantile_row(name: str, points: Quantiles) -> list[Markup | str]:
    values = (points.p50, points.p90, points.p95, points.p99, points.p999, points.max)
    return [name, *(units.seconds(value) for value in values)]


def _chain_card(result: LoadResult) -> Markup:
    blocks = result.blocks
    fees = (blocks.base_fee_first, blocks.base_fee_last)
    full = units.DASH if blocks.fullness is None else units.percent(blocks.fullness)
    rows: list[list[Markup | str]] = [
        ["blocks", units.count(blocks.count)],
        ["transactions in them, of everybody", units.count(blocks.transactions)],
        ["gas used", units.compact(blocks.gas_used)],
        ["share of the gas limit", full],
        ["base fee, first and last", ", ".join([_fee(fee) for fee in fees])],
        ["failed, of a sample of ours", f"{result.failed:,} of {result.looked_at:,}"],
        ["signed anew for higher fees", units.count(result.repriced)],
        ["undone by reorganisations", units.count(result.reorganised)],
    ]
    return card("The chain meanwhile", table([("", ""), ("", "number")], rows), name="chain")


def _fee(wei: int | None) -> str:
    """Return a fee in a unit in which it is short: what nobody competes for falls to 7 wei."""
    if wei is None:
        return units.DASH
    return f"{wei:,} wei" if wei < MEGAWEI else f"{units.significant(wei / 1e9)} gwei"


_DEFINITIONS = {
    "Intended instant": "when a transaction should have been sent by the rate, or when a client of "
    "a closed loop was ready. Latency counts from there, however late the request left: a slow "
    "node cannot hide by keeping the client waiting.",
    "Throughput": "own transactions seen in blocks while the load was offered, after the warm-up, "
    "a second.",
    "Inclusion and finality": "when the client had read the block, and when the block that the "
    "node calls finalized was as high as it.",
    "Errors": "answers other than yes, and lost ones. A transaction may meet several before it is "
    "taken, and is then not lost; what was given up counts as dropped.",
}
