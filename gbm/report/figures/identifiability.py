"""How sharply one scan determines the growth parameters: the objective along and around the fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from gbm.report.figures.style import INK, SERIES, panel
from gbm.results.references import ObjectiveProfile, ObjectiveSurface

TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40)


def profile_curve(curve: ObjectiveProfile, fitted: float) -> Figure:
    """The objective along lambda, the other unknowns re-optimised at each value.

    Parameters
    ----------
    curve : ObjectiveProfile
        See `gbm.search.identifiability.profile` and `gbm.posterior.landscape.profile`.
    fitted : float
        The inferred lambda, mm.
    """
    figure, axes = panel(4.8, 3.6)
    x = np.asarray(curve.lambda_mm, float)
    y = np.asarray([np.nan if v is None else v for v in curve.objective], float)
    axes.axvspan(0.85 * fitted, 1.4 * fitted, color="#e8eef3", lw=0, label="0.85 to 1.4 × λ")
    axes.plot(x, y, "o-", color=SERIES[0], ms=4, label="objective (finite volumes)")
    axes.axvline(fitted, color=SERIES[1], ls="--", label="inferred λ")
    axes.set_xscale("log")
    axes.set_xticks(*ticks(x))
    axes.minorticks_off()
    axes.set(title="How sharply λ is determined", xlabel="λ = √(D/ρ) [mm]", ylabel="objective J")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=3, columnspacing=1.2)
    return figure


def surface_map(
    table: ObjectiveSurface,
    points: Sequence[tuple[str, float | None, float | None]],
    rises: Sequence[float],
) -> Figure:
    """The objective over lambda and rho T, with the fits in it.

    Parameters
    ----------
    table : ObjectiveSurface
        See `gbm.search.identifiability.surface` and `gbm.posterior.landscape.surface`.
    points : sequence of (label, lambda in mm, rho T)
        Fits to mark, the headline first.
    rises : sequence of float
        Of the objective above its least value, drawn as level lines.
    """
    figure, axes = panel(5.4, 4.6)
    x, y = (np.asarray(axis, float) for axis in (table.lambda_mm, table.rhoT))
    rise = np.array([[np.nan if v is None else v for v in row] for row in table.objective])
    rise = rise - np.nanmin(rise)
    levels = [0.0, *rises]
    norm = BoundaryNorm(levels, 256, extend="max")
    filled = axes.contourf(x, y, rise.T, levels, cmap="cividis_r", norm=norm, extend="max")
    axes.contour(x, y, rise.T, rises[:3], colors=[INK], linewidths=0.6)
    mark_fits(axes, points)
    axes.set(
        xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]),
        title="Rise of the objective over λ and ρT", xlabel="λ = √(D/ρ) [mm]", ylabel="ρT",
    )  # fmt: skip
    axes.set_xticks(*ticks(x))
    axes.set_yticks(*ticks(y))
    axes.minorticks_off()
    axes.grid(False)
    bar = figure.colorbar(filled, ax=axes, ticks=levels, pad=0.02)
    bar.ax.set_yticklabels([f"{v:g}" for v in levels])
    bar.outline.set_visible(False)  # type: ignore[operator]
    figure.legend(loc="outside lower center", ncol=3, columnspacing=1.2)
    return figure


def mark_fits(axes: Axes, points: Sequence[tuple[str, float | None, float | None]]) -> None:
    """Marks (label, lambda in mm, rho T) over lambda and rho T, the headline first."""
    for (label, *place), marker in zip(points, "oXs^Dv", strict=False):
        axes.plot(
            *np.array(place, float), marker, ls="", ms=8,
            mfc=SERIES[1] if marker == "o" else "white", mec=INK, mew=1.0, label=label,
            zorder=4 if marker == "o" else 3,
        )  # fmt: skip


def ticks(values: np.ndarray) -> tuple[list[float], list[str]]:
    """Round numbers within the range of some values, and how they are written."""
    inside = [t for t in TICKS if values.min() * 0.99 <= t <= values.max() * 1.01]
    return inside, [f"{t:g}" for t in inside]
