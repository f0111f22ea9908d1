"""Figures of the experiments, one file each with ``draw(results) -> Figure or None``, as SVG."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks import experiments
from benchmarks.results.store import write_text


def write(experiment: str, results: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """Write all figures of an experiment that its results allow; return their files."""
    written = []
    for name in experiments.get(experiment).figures:
        figure = importlib.import_module(f"{__name__}.{name}").draw(results)
        if figure is not None:
            written.append(folder / f"{name}.svg")
            save(figure, written[-1])
    return written


def save(figure: Figure, path: Path) -> None:
    """Write the same bytes for the same figure."""
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    write_text(path, stream.getvalue())
