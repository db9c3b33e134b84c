"""Writes the dashboards: `python -m dashboards.generate`, a test compares them."""

from __future__ import annotations

import json
from pathlib import Path

from dashboards import daemon, overview, target
from dashboards.grafana import document
from dashboards.shape import Dashboard

FOLDER = Path(__file__).parent

DASHBOARDS: dict[str, Dashboard] = {
    "overview.json": overview.DASHBOARD,
    "target.json": target.DASHBOARD,
    "daemon.json": daemon.DASHBOARD,
}


def documents() -> dict[Path, str]:
    """Every generated file, by its path."""
    return {
        FOLDER / name: json.dumps(document(dashboard), indent=1) + "\n"
        for name, dashboard in DASHBOARDS.items()
    }


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text)
