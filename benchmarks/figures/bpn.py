"""Objective and error of the unknowns against lower-level iterations (paper, figure 19)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks import experiments
from benchmarks.figures import style
from benchmarks.results.summary import rows, titles


def draw(results: Sequence[dict[str, Any]]) -> Figure | None:
    """One line a run, from the end of the pretraining on."""
    trained = [result for result in results if result["history"].get("step")]
    if not trained:
        return None
    target = experiments.get("bpn").target
    assert target is not None
    table = rows(trained)
    named = list(zip(titles(table), table, strict=True))
    colours = style.tints([(row.labels["method"], title) for title, row in named])
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for title, row in named:
        for k, result in enumerate(row.runs):
            steps, loss, error = _paths(result)
            label = title if k == 0 else None
            left.plot(steps, loss, lw=1, color=colours[title], label=label)
            right.plot(steps, error, lw=1, color=colours[title])
    right.axhline(target, color="k", lw=0.8, ls=":")
    left.set(title="L_dat", xlabel="lower-level iterations", yscale="log")
    right.set(title="largest error of an unknown", xlabel="lower-level iterations", yscale="log")
    if any(row.labels["method"] == "bpn" for row in table):
        for axes in (left, right):  # BPN takes 64 lower steps to one upper step
            axes.set_xscale("log")
    style.legend(figure)
    return figure


def _paths(result: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fine-tuning iterations, objective, and the largest error of an unknown."""
    history = result["history"]
    known = [k for k, value in enumerate(history["objective"]) if value is not None]
    steps = np.array(history["step"])[known]
    errors = [
        np.abs(np.array(history[name], float)[known] - row["truth"])
        for name, row in result["unknowns"].items()
    ]
    start = result["pretrain_steps"]
    return steps - start, np.array(history["objective"], float)[known], np.max(errors, 0)
