"""A Prometheus configuration that finds the nodes of a network in a file beside it.

Prometheus reads the list of targets again whenever the file changes (file service discovery), so a
node that joins, or comes back on another port, is found without a restart.

Reference: Prometheus documentation, "Configuration", `<file_sd_config>`.
"""

from collections.abc import Sequence

import msgspec

from node.observe.rules import JOB, RULES

TARGETS = "targets.json"
CONFIG = "prometheus.yml"


class Target(msgspec.Struct, frozen=True):
    """One node that can be scraped."""

    address: str
    """host:port of its RPC server, which shows /metrics."""
    role: str
    """Becomes a label: "validator", "follower"."""


def prometheus_config(interval_seconds: int = 5, targets: str = TARGETS, rules: str = RULES) -> str:
    """Return `prometheus.yml`.

    Args:
        interval_seconds: between two scrapes of a node.
        targets: the file with the targets, relative to the configuration.
        rules: that with the alerts, likewise. Prometheus does without one that is not there.
    """
    seconds = f"{interval_seconds}s"
    return f"""\
# Begin with: prometheus --config.file={CONFIG} --web.listen-address=127.0.0.1:9090
global:
  scrape_interval: {seconds}
  scrape_timeout: {seconds}
  evaluation_interval: {seconds}

rule_files:
  - {_quoted(rules)}

scrape_configs:
  - job_name: {JOB}
    file_sd_configs:
      - files: [{_quoted(targets)}]
        refresh_interval: {seconds}
"""


def targets_file(network: str, targets: Sequence[Target]) -> str:
    """Return the list of targets as Prometheus reads it.

    Every series of a target gets the labels `network` and `role`. Its node and shard it tells
    itself.

    Args:
        network: name of the network, to tell several on one Prometheus apart.
        targets: its nodes.
    """
    groups = [
        {
            "targets": [each.address for each in targets if each.role == role],
            "labels": {"network": network, "role": role},
        }
        for role in sorted({each.role for each in targets})
    ]
    return msgspec.json.format(msgspec.json.encode(groups), indent=2).decode() + "\n"


def _quoted(text: str) -> str:
    """Return a string as YAML, which reads JSON's."""
    return msgspec.json.encode(text).decode()
