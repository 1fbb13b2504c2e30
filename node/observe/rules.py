"""Alerts on a network: rules for a Prometheus server, beside its configuration.

Reference: Prometheus documentation, "Alerting rules".
"""

from typing import Any

import msgspec

from node.observe.families import chain, consensus, network

RULES = "rules.yml"
JOB = "orrery"
"""Name of the job that scrapes the nodes."""
BEHIND_BLOCKS = 10
VIEW_CHANGES_MAX = 3
"""In five minutes; a primary that crashes costs one."""


class Alert(msgspec.Struct, frozen=True):
    """One rule. Its expression leaves the labels `network` and, where it is of one, `node`."""

    name: str
    expression: str
    lasting: str
    """How long it must hold, as Prometheus writes durations."""
    severity: str
    summary: str
    """One sentence, with `{{ $labels.x }}` for a label and `{{ $value }}` for the number."""


_UP = f'up{{job="{JOB}"}}'
_SIZE = f'count by (network) (up{{job="{JOB}", role="validator"}})'
_FAULTS = f"floor(({_SIZE} - 1) / 3)"
_NEEDED = f"(ceil(({_SIZE} + {_FAULTS} + 1) / 2) - 1)"
"""Peers of a quorum beside the node itself, where all targets are the committee."""

_PROOFS = f"sum by (network, kind) ({consensus.EVIDENCE.sample})"
_EARLIER_PROOFS = f"sum by (network, kind) ({consensus.EVIDENCE.sample} offset 5m)"

ALERTS = (
    Alert(
        "NodeDown",
        f"{_UP} == 0",
        "30s",
        "warning",
        "{{ $labels.instance }} of {{ $labels.network }} does not answer.",
    ),
    Alert(
        "TooFewValidators",
        f'sum by (network) (up{{job="{JOB}", role="validator"}}) < {_NEEDED} + 1',
        "30s",
        "critical",
        "{{ $labels.network }} has {{ $value }} validators that answer: too few to decide.",
    ),
    Alert(
        "HeightStalled",
        f"sum by (network) (increase({chain.BLOCKS.sample}[1m])) == 0"
        f' and on (network) max by (network) ({chain.POOL_TRANSACTIONS.name}{{state="pending"}})'
        " > 0",
        "1m",
        "critical",
        "{{ $labels.network }} commits nothing, and transactions wait.",
    ),
    Alert(
        "NodeBehind",
        f"{chain.HEIGHT.name} < on (network) group_left ()"
        f" (max by (network) ({chain.HEIGHT.name}) - {BEHIND_BLOCKS})",
        "1m",
        "warning",
        "Node {{ $labels.node }} of {{ $labels.network }} stands at {{ $value }}, others higher.",
    ),
    Alert(
        "ViewChanges",
        f"max by (network) (increase({consensus.VIEW_CHANGES.sample}[5m])) > {VIEW_CHANGES_MAX}",
        "0s",
        "warning",
        "Validators of {{ $labels.network }} give up primary after primary.",
    ),
    Alert(
        "PeersLow",
        f'{network.PEERS.name}{{role="validator", peer_role="validator"}}'
        f" < on (network) group_left () {_NEEDED}",
        "30s",
        "warning",
        "Node {{ $labels.node }} of {{ $labels.network }} reaches {{ $value }} validators only.",
    ),
    Alert(
        "Lies",
        f"sum by (network, kind) (increase({consensus.EVIDENCE.sample}[5m])) > 0"
        # A series that begins with 1 has no increase, and the first proof begins one.
        f" or {_PROOFS} > 0 unless {_EARLIER_PROOFS}",
        "0s",
        "critical",
        "A replica of {{ $labels.network }} has lied ({{ $labels.kind }}), and there is proof.",
    ),
)


def rules_file() -> str:
    """Return `rules.yml`, which is JSON: YAML reads that."""
    group = {"name": JOB, "rules": [_rule(alert) for alert in ALERTS]}
    return msgspec.json.format(msgspec.json.encode({"groups": [group]}), indent=2).decode() + "\n"


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasting,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary},
    }
