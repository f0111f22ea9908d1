"""Darcy: true and inferred A, u, and the error of u, sample by sample (figures 6 and 18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import rows, titles
from bilo.inverse.least_squares import LeastSquares
from bilo.problems import get

Result = dict[str, Any]


def draw(results: Sequence[Result]) -> Figure | None:
    """One row a sample: A of the truth and of each method, BiLO's u and its error."""
    table = rows(style.usual(results))
    named = dict(zip(titles(table), table, strict=True))
    own = next((title for title, row in named.items() if row.labels["method"] == "bilo"), None)
    if own is None:
        return None
    samples = [run["seed"] for run in named[own].runs]
    found = {
        title: {run["seed"]: run for run in row.runs if run["seed"] in samples}
        for title, row in named.items()
    }
    found = {title: runs for title, runs in found.items() if runs}
    columns = len(found) + 3
    figure = Figure(figsize=(2.3 * columns, 0.3 + 2.2 * len(samples)), layout="constrained")
    grid = figure.subplots(len(samples), columns, squeeze=False)
    for line, seed in zip(grid, samples, strict=True):
        (truth,) = found[own][seed]["unknowns"].values()
        _map(line[0], np.array(truth["truth"]), f"A, sample {seed}", (3, 12))
        for axes, (title, runs) in zip(line[1:], found.items(), strict=False):
            if seed not in runs:
                axes.axis("off")
                continue
            (unknown,) = runs[seed]["unknowns"].values()
            told = f"{title}: {100 * runs[seed]['accuracy']:.1f} %"
            _map(axes, np.array(unknown["estimate"]), told, (3, 12))
        if not found[own][seed]["u"]:
            line[-2].axis("off")
            line[-1].axis("off")
            continue
        u = np.array(found[own][seed]["u"])
        _map(line[-2], u, f"u of {own}")
        _map(line[-1], np.abs(u - _exact(seed)), "|u - u of the truth|")
    return figure


def _exact(seed: int) -> np.ndarray:
    """u of the solver at a sample."""
    problem = get("darcy")
    data = problem.observe(problem.truth(seed), 0.0, seed)
    assert isinstance(data, LeastSquares)
    return np.asarray(data.values)


def _map(
    axes: Axes, values: np.ndarray, title: str, span: tuple[float, float] | None = None
) -> None:
    n = round(len(values) ** 0.5)
    low, high = span or (values.min(), values.max())
    image = axes.imshow(values.reshape(n, n).T, origin="lower", vmin=low, vmax=high)
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    axes.set_title(title, fontsize=7)
    axes.set(xticks=[], yticks=[])
