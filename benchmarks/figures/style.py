"""What the figures share: a colour for each method, tints for its options, runs worth drawing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from benchmarks import experiments
from benchmarks.results.summary import truth_of

Result = dict[str, Any]
Colour = tuple[float, float, float]

COLOURS = {
    "bilo": "#0b6e99",
    "pinn": "#c25b12",
    "deeponet": "#3f8f3f",
    "bpn": "#8a4fb0",
    "direct_fit": "#444444",
    "adjoint": "#444444",
    "tikhonov": "#444444",
    "descent": "#a08a3c",
}
MARKERS = "osD^vPX"
SMOOTH, LONG = 10, 300
"""Records in the moving average of a history (paper, figures 8 and 9), and of a long history: a
shorter one would lose its shape."""


def tint(method: str, k: int, of: int) -> Colour:
    """The colour of option k of a method: the first full, the others paler."""
    share = 0.65 * k / max(of - 1, 1)
    red, green, blue = to_rgb(COLOURS.get(method, "#999999"))
    return red + share * (1 - red), green + share * (1 - green), blue + share * (1 - blue)


def tints(named: Sequence[tuple[str, str]]) -> dict[str, Colour]:
    """A colour for each title, from pairs of method and title."""
    found: dict[str, Colour] = {}
    for method in dict.fromkeys(method for method, _ in named):
        own = list(dict.fromkeys(title for other, title in named if other == method))
        found |= {title: tint(method, k, len(own)) for k, title in enumerate(own)}
    return found


def compared(results: Sequence[Result]) -> list[Result]:
    """Trained runs on one axis of steps: of the experiment's own recipe and its usual truth."""
    recipe_of = experiments.get(results[0]["experiment"]).recipe_of
    return [
        result
        for result in usual(results)
        if result["method"] in ("bilo", "pinn")
        and result["recipe"] == recipe_of(result["method"])
        and result["history"].get("step")
    ]


def legend(figure: Figure) -> None:
    """What the lines are, below the axes, in as many columns as the figure is wide."""
    columns = max(1, int(figure.get_figwidth() / 1.5))
    figure.legend(loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def usual(results: Sequence[Result]) -> list[Result]:
    """Runs of the truth that most runs have."""
    truth = statistics.mode(truth_of(result) for result in results)
    return [result for result in results if truth_of(result) == truth]


def with_field(runs: Sequence[Result]) -> Result | None:
    """The first run that holds the represented field: runs that are kept hold it once a setting."""
    return next((run for run in runs if run["u"]), None)


def history(result: Result, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a recorded quantity, averaged where long; empty where it has none."""
    values = result["history"].get(name, [])
    raw = np.array([np.nan if v is None else v for v in values], float)
    steps = np.array(result["history"]["step"], float)[: len(raw)]
    smooth = SMOOTH if len(raw) >= LONG else 1
    windows = [raw[max(0, k - smooth + 1) : k + 1] for k in range(len(raw))]
    known = np.isfinite(raw)
    means = [np.nanmean(w) for w, there in zip(windows, known, strict=True) if there]
    return steps[known], np.array(means)
