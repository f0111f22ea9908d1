"""How far every way ends from the truth: the picture of the page of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from benchmarks.figures.style import COLOURS, legend

MARKS = {
    "BiLO": ("bilo", "o"),
    "BiLO, the paper's recipe": ("bilo", "x"),
    "classical": ("adjoint", "|"),
    "PINN": ("pinn", "s"),
    "DeepONet": ("deeponet", "^"),
    "published": ("descent", "*"),
}
LEAST = 1e-3
"""Error in percent that no smaller one is told from."""


def draw(rows: Sequence[tuple[str, Mapping[str, float]]]) -> Figure:
    """One line a comparison, one mark a way.

    Parameters
    ----------
    rows : sequence of (str, mapping of str to float)
        What is compared, and the errors in percent by way, a name in `MARKS`.
    """
    figure = Figure(figsize=(9.0, 1.2 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows) - 1, -1, -1)
    for way, (method, mark) in MARKS.items():
        there = [
            (max(r[way], LEAST), y) for (_, r), y in zip(rows, places, strict=True) if way in r
        ]
        x, y = [error for error, _ in there], [place for _, place in there]
        (marks,) = axes.plot(x, y, ls="", marker=mark, color=COLOURS[method], mew=2, label=way)
        marks.set(markersize=12 if mark == "|" else 7)
        if mark in "os^":  # an open mark shows what lies on it
            marks.set_markerfacecolor("none")
    axes.set_yticks(list(places), [title for title, _ in rows], fontsize=8)
    axes.set(xscale="log", xlabel=f"error, % (left is better; at the edge: {LEAST:g} or less)")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure
