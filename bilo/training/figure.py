"""A solution as a figure: functions with their bands, the fields, the course of the fit."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bilo.inverse.function import Function

if TYPE_CHECKING:
    from bilo.training.solution import Solution

NODES = 61
"""Points along an axis that is drawn."""
DRAWN = 2
"""Most coordinates that are."""


def drawn(solution: Solution) -> Any:
    """A `matplotlib.figure.Figure` with one panel a function, a field and a kind of history.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        # no dependency of the core, and no import of it
        Figure = importlib.import_module("matplotlib.figure").Figure
    except ImportError as error:
        raise ImportError("a plot needs matplotlib: pip install matplotlib") from error
    panels = _panels(solution)
    figure = Figure(figsize=(4.2 * max(len(panels), 1), 3.2), layout="constrained")
    for k, (draw, *said) in enumerate(panels):
        draw(figure.add_subplot(1, len(panels), k + 1), solution, *said)
    figure.suptitle(repr(solution).strip("<>"), fontsize="medium")
    return figure


def _panels(solution: Solution) -> list[tuple[Any, ...]]:
    problem, found = solution.problem, list[tuple[Any, ...]]()
    if problem is not None:
        found += [(_function, k) for k in problem.functions if len(k.coordinates) <= DRAWN]
        if solution.network is not None and len(problem.coordinates) <= DRAWN:
            found += [(_field, j) for j in range(len(problem.fields))]
        if any(k.name in solution.history for k in problem.scalars):
            found.append((_scalars,))
    if len(solution.history) > 1:
        found.append((_losses,))
    return found


def _function(axes: Any, solution: Solution, k: Function) -> None:
    points = k.domain.grid(NODES)
    axes.set_title(k.name)
    if len(k.coordinates) > 1:
        _image(axes, solution.unknowns[k.name](points), k.coordinates, k.domain.intervals)
        return
    x = points.coordinates[k.coordinates[0]].numpy()
    try:
        band = solution.band(k.name, points)
        low, high = band.low.numpy(), band.high.numpy()
        axes.fill_between(x, low, high, alpha=0.3, linewidth=0, label="90 % interval")
        axes.legend()
    except ValueError as error:
        axes.set_title(f"{k.name} (no band)")
        axes.annotate(str(error), (0, 0), fontsize="xx-small", annotation_clip=True, wrap=True)
    axes.plot(x, solution.unknowns[k.name](points).numpy())
    axes.set_xlabel(k.coordinates[0])


def _field(axes: Any, solution: Solution, index: int) -> None:
    problem = solution.problem
    assert problem is not None
    points = problem.place(problem.domain.grid(NODES).coordinates)
    u = solution.predict(points).value.view(len(points), -1)[:, index]
    axes.set_title(problem.fields[index])
    if len(problem.coordinates) > 1:
        _image(axes, u, problem.coordinates, problem.domain.intervals)
        return
    axes.plot(points.coordinates[problem.coordinates[0]].numpy(), u.numpy())
    axes.set_xlabel(problem.coordinates[0])


def _image(axes: Any, values: Any, names: tuple[str, ...], intervals: Any) -> None:
    down, across = names
    image = axes.imshow(
        values.view(NODES, NODES).numpy(),
        origin="lower",
        aspect="auto",
        extent=(*intervals[across], *intervals[down]),
    )
    axes.set(xlabel=across, ylabel=down)
    axes.figure.colorbar(image, ax=axes)


def _scalars(axes: Any, solution: Solution) -> None:
    """How the unknowns moved, each over where it ended."""
    assert solution.problem is not None
    steps = solution.history["step"]
    for k in solution.problem.scalars:
        if k.name in solution.history:
            end = solution.unknowns[k.name] or 1.0
            axes.plot(steps, [v / end for v in solution.history[k.name]], label=k.name)
    axes.set(title="unknowns, over the answer", xlabel="step")
    axes.legend()


def _losses(axes: Any, solution: Solution) -> None:
    names = {"step"}
    if solution.problem is not None:
        names |= {k.name for k in solution.problem.unknowns}
    for name, column in solution.history.items():
        if name not in names:
            axes.plot(solution.history["step"], column, label=name)
    axes.set(title="losses", xlabel="step", yscale="log")
    axes.legend(fontsize="small")
