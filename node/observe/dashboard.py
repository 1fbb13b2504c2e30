"""The Grafana dashboard as JSON, to be imported or provisioned.

It is of the classic model, which every Grafana reads by import, by provisioning and by its API;
newer ones convert it on their own.

Reference: Grafana documentation, "Dashboard JSON model", classic; `schemaVersion` 41 is that of
Grafana 12.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from node.observe.families import chain
from node.observe.panels import ROWS, Panel, Row

DASHBOARD = "dashboard.json"
UID = "orrery-network"
SCHEMA_VERSION = 41
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard(title: str = "Orrery") -> str:
    """Return the dashboard's JSON."""
    content = {
        "uid": UID,
        "title": title,
        "tags": ["orrery", "blockchain"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_datasource(), _variable("network"), _variable("node")]},
        "panels": list(_panels()),
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    }


def _variable(label: str) -> dict[str, Any]:
    """Return a variable over the values of a label. All matches series that lack it, too."""
    query = f"label_values({chain.HEIGHT.name}, {label})"
    return {
        "name": label,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "sort": 3,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for row in ROWS:
        yield _row(row, number, top)
        number, top = number + 1, top + 1
        for index, panel in enumerate(row.panels):
            left = index * _WIDTH % _COLUMNS
            yield _graph(panel, number, left, top + index * _WIDTH // _COLUMNS * _HEIGHT)
            number += 1
        top += -(-len(row.panels) * _WIDTH // _COLUMNS) * _HEIGHT


def _row(row: Row, number: int, top: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
    }


def _graph(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    style = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 0,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": {"x": left, "y": top, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": style},
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "editorMode": "code",
                "range": True,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for index, query in enumerate(panel.queries)
        ],
    }
