"""Figures of an experiment, as SVG, from the results that are there."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.results import write_text
from benchmarks.summary import rows
from bilo.solvers.fisher_kpp import at_time_one

Result = dict[str, Any]

COLOURS = {"bilo": "#0b6e99", "pinn": "#c25b12", "direct_fit": "#555555"}
SMOOTH = 10
"""Records in the moving average of a history (paper, figures 8 and 9)."""


def write(experiment: str, results: Sequence[Result], folder: Path) -> None:
    """Write all figures of an experiment that its results allow."""
    if experiment == "cost":
        _save(cost(results), folder / "cost.svg")
        return
    _save(errors(results), folder / "errors.svg")
    trained = [r for r in results if r["history"].get("step")]
    if trained:
        _save(histories(trained), folder / "histories.svg")
    clean = [r for r in trained if r["noise"] == 0 and r["method"] == "bilo"]
    if clean and experiment in CONTOURS:
        _save(trajectories(clean, CONTOURS[experiment]), folder / "trajectories.svg")


def errors(results: Sequence[Result]) -> Figure:
    """Relative errors of unknowns and field over the noise, by method (paper, figure 2)."""
    table = rows(results)
    columns = [c for c in table[0].numbers if "error" in c or "vs FDM" in c]
    figure = Figure(figsize=(3.2 * len(columns), 3.0), layout="constrained")
    for axes, column in zip(
        figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True
    ):
        for label in dict.fromkeys(_label(row.labels) for row in table):
            chosen = [row for row in table if _label(row.labels) == label]
            points = [
                (float(row.labels["noise"]), row.numbers[column].mean, row.numbers[column].sd)
                for row in chosen
            ]
            drawn = [(x, y, sd or 0.0) for x, y, sd in points if y]
            if not drawn:
                continue
            x, y, sd = np.array(drawn).T
            colour = COLOURS.get(chosen[0].labels["method"])
            lower = np.minimum(sd, 0.9 * y)  # a logarithmic axis has no room below zero
            axes.errorbar(x, y, (lower, sd), fmt="o-", ms=4, capsize=2, color=colour, label=label)
        axes.set(xscale="symlog", yscale="log", xlabel="noise", title=column)
        axes.set_xscale("symlog", linthresh=1e-3)
    figure.axes[0].legend(fontsize=7)
    return figure


def histories(results: Sequence[Result]) -> Figure:
    """Unknowns over the steps, one line a run (paper, figures 8 and 9)."""
    names = list(results[0]["unknowns"])
    figure = Figure(figsize=(4.0 * len(names), 3.0), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for result in results:
            history = result["history"]
            values = np.array([np.nan if v is None else v for v in history.get(name, [])])
            if not len(values):
                continue
            method = result["method"]
            axes.plot(history["step"], _moving(values), color=COLOURS.get(method), alpha=0.6, lw=1)
        for truth in {result["unknowns"][name]["truth"] for result in results}:
            axes.axhline(truth, color="k", lw=0.7, ls=":")
        axes.set(xlabel="step", title=name)
    for method in dict.fromkeys(result["method"] for result in results):
        figure.axes[0].plot([], [], color=COLOURS.get(method), label=method)
    figure.axes[0].legend(fontsize=7)
    return figure


def trajectories(results: Sequence[Result], misfit: Callable[[Result], Contours]) -> Figure:
    """Noise-free trajectories on the contours of log10 L_dat of the solver (paper, figure 10)."""
    figure = Figure(figsize=(4.5, 4.0), layout="constrained")
    axes = figure.subplots()
    first, second = list(results[0]["unknowns"])
    x, y, loss = misfit(results[0])
    shade = axes.contourf(x, y, np.log10(loss + 1e-12), levels=24, cmap="Greys")
    figure.colorbar(shade, ax=axes, label="log10 L_dat")
    for result in results:
        history = result["history"]
        path = [[np.nan if v is None else v for v in history[name]] for name in (first, second)]
        axes.plot(*path, lw=1, color=COLOURS["bilo"])
    truth = [results[0]["unknowns"][name]["truth"] for name in (first, second)]
    axes.plot(*truth, "x", color="red")
    axes.set(xlabel=first, ylabel=second)
    return figure


def cost(results: Sequence[Result]) -> Figure:
    """Seconds and memory of a step, by kind."""
    engine = max(results, key=lambda r: r["profile"] == "full")["engine"]
    kinds = {
        "engine": "",
        "nested": "nested_",
        "nested,\neconomical": "nested_economical_",
        "PINN": "pinn_",
    }
    figure = Figure(figsize=(8.0, 3.0), layout="constrained")
    for axes, (what, title) in zip(
        figure.subplots(1, 2),
        (("seconds_per_step", "seconds a step"), ("peak_memory_mb", "memory, MB")),
        strict=True,
    ):
        width = 0.8 / len(engine)
        for k, (problem, measured) in enumerate(engine.items()):
            values = [measured[key + what] for key in kinds.values()]
            axes.bar(np.arange(len(kinds)) + k * width, values, width, label=problem)
        axes.set_xticks(np.arange(len(kinds)), list(kinds), fontsize=8)
        axes.set_title(title)
    figure.axes[0].legend(fontsize=7)
    return figure


Contours = tuple[np.ndarray, np.ndarray, np.ndarray]


def _fisher_kpp_misfit(result: Result) -> Contours:
    """L_dat of the solver over (D, rho), with the data points of the experiment."""
    x = np.linspace(0.0, 1.0, 11)
    D, rho = np.meshgrid(np.linspace(0.5, 4.5, 61), np.linspace(0.8, 3.0, 61))
    u = at_time_one(D.ravel(), rho.ravel(), x, nodes=24, steps=80)
    truth = {name: row["truth"] for name, row in result["unknowns"].items()}
    data = at_time_one(truth["D"], truth["rho"], x)
    return D, rho, ((u - data) ** 2).mean(-1).reshape(D.shape)


CONTOURS: dict[str, Callable[[Result], Contours]] = {"fisher_kpp": _fisher_kpp_misfit}
"""Experiments whose two unknowns can be drawn on the solver's own misfit."""


def _label(labels: dict[str, str]) -> str:
    parts = [labels["method"]]
    parts += [f"w {labels['w_dat']}"] if labels["w_dat"] != "-" else []
    parts += [labels["recipe"]] if labels["recipe"] not in ("-", "fast") else []
    return " ".join(parts)


def _moving(values: np.ndarray) -> np.ndarray:
    """Moving average over the last `SMOOTH` records."""
    return np.array(
        [
            np.nanmean(values[max(0, k - SMOOTH + 1) : k + 1]) if np.isfinite(v) else np.nan
            for k, v in enumerate(values)
        ]
    )


def _save(figure: Figure, path: Path) -> None:
    """Write the same bytes for the same figure."""
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    write_text(path, stream.getvalue())
