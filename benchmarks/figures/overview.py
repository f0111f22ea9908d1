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
        there = [(r[way], y) for (_, r), y in zip(rows, places, strict=True) if r.get(way)]
        x, y = [error for error, _ in there], [place for _, place in there]
        (marks,) = axes.plot(x, y, ls="", marker=mark, color=COLOURS[method], mew=2, label=way)
        marks.set(markersize=12 if mark == "|" else 7)
        if mark in "os^":  # an open mark shows what lies on it
            marks.set_markerfacecolor("none")
    axes.set_yticks(list(places), [title for title, _ in rows], fontsize=8)
    axes.set(xscale="log", xlabel="error, % (left is better)")
    axes.grid(alpha=0.3)
    legend(figure)
    return figure
