"""The files with which Prometheus and Grafana look at a network."""

from collections.abc import Sequence
from pathlib import Path

from node.observe.dashboard import DASHBOARD, dashboard
from node.observe.prometheus import CONFIG, TARGETS, Target, prometheus_config, targets_file


def write_monitoring(
    directory: Path, network: str, targets: Sequence[Target], interval_seconds: int = 5
) -> tuple[Path, ...]:
    """Write prometheus.yml, targets.json and dashboard.json; return their paths.

    Whenever targets have changed it may be called again: each file appears whole or not at all,
    and Prometheus, which watches the targets, takes up the new ones.

    Args:
        directory: made if it is not there.
        network: name of the network.
        targets: its nodes.
        interval_seconds: between two scrapes.

    Raises:
        OSError: the directory cannot be written to.
    """
    contents = {
        CONFIG: prometheus_config(interval_seconds),
        TARGETS: targets_file(network, targets),
        DASHBOARD: dashboard(f"Orrery: {network}"),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        draft = directory / f".{name}.draft"
        draft.write_text(text, "utf-8")
        draft.replace(directory / name)
    return tuple(directory / name for name in contents)
