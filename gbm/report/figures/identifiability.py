"""How sharply one scan determines the growth parameters: the objective along and around the fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from gbm.report.figures.style import INK, SERIES, panel
from gbm.results.references import LocalSpread, ObjectiveProfile, ObjectiveSurface

RISES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Rises of the objective above its least value, drawn as level lines."""
TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40)


def profile_curve(curve: ObjectiveProfile, fitted: float) -> Figure:
    """The objective along lambda, the other unknowns re-optimised at each value.

    Parameters
    ----------
    curve : ObjectiveProfile
        See `gbm.search.identifiability.profile`.
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
    axes.set_xticks(*_ticks(x))
    axes.minorticks_off()
    axes.set(title="How sharply λ is determined", xlabel="λ = √(D/ρ) [mm]", ylabel="objective J")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=3, columnspacing=1.2)
    return figure


def surface_map(
    table: ObjectiveSurface,
    points: Sequence[tuple[str, float | None, float | None]],
    spread: LocalSpread | None,
    centre: tuple[float, float],
) -> Figure:
    """The objective over lambda and rho T, with the fits in it and the local confidence ellipse.

    Parameters
    ----------
    table : ObjectiveSurface
        See `gbm.search.identifiability.surface`.
    points : sequence of (label, lambda in mm, rho T)
        Fits to mark, the headline first.
    spread : LocalSpread or None
        Half-widths of ln lambda and ln rho T with their correlation; without them no ellipse.
    centre : tuple of float
        lambda and rho T of the optimum that the spread belongs to.
    """
    figure, axes = panel(5.4, 4.6)
    x, y = (np.asarray(axis, float) for axis in (table.lambda_mm, table.rhoT))
    rise = np.array([[np.nan if v is None else v for v in row] for row in table.objective])
    rise = rise - np.nanmin(rise)
    levels = [0.0, *RISES]
    norm = BoundaryNorm(levels, 256, extend="max")
    filled = axes.contourf(x, y, rise.T, levels, cmap="cividis_r", norm=norm, extend="max")
    axes.contour(x, y, rise.T, RISES[:3], colors=[INK], linewidths=0.6)
    if spread is not None:
        axes.plot(*ellipse(spread, centre), color=SERIES[3], lw=1.8, label="local confidence")
    for (label, *place), marker in zip(points, "oXs^Dv", strict=False):
        axes.plot(
            *np.array(place, float), marker, ls="", ms=8,
            mfc=SERIES[1] if marker == "o" else "white", mec=INK, mew=1.0, label=label,
            zorder=4 if marker == "o" else 3,
        )  # fmt: skip
    axes.set(
        xscale="log", yscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]),
        title="Rise of the objective over λ and ρT", xlabel="λ = √(D/ρ) [mm]", ylabel="ρT",
    )  # fmt: skip
    axes.set_xticks(*_ticks(x))
    axes.set_yticks(*_ticks(y))
    axes.minorticks_off()
    axes.grid(False)
    bar = figure.colorbar(filled, ax=axes, ticks=levels, pad=0.02)
    bar.ax.set_yticklabels([f"{v:g}" for v in levels])
    bar.outline.set_visible(False)  # type: ignore[operator]
    figure.legend(loc="outside lower center", ncol=3, columnspacing=1.2)
    return figure


def ellipse(
    spread: LocalSpread, centre: tuple[float, float], count: int = 181
) -> tuple[np.ndarray, np.ndarray]:
    """Border of the region in which lambda and rho T can move, all other unknowns following.

    With the half-widths a, b of ln lambda and ln rho T and their correlation c, it is the image of
    the unit circle under the Cholesky factor of [[a^2, c a b], [c a b, b^2]].

    Returns
    -------
    tuple of array
        lambda in mm, and rho T.
    """
    a, b, c = spread.ln_lambda, spread.ln_rhoT, spread.correlation_ln_lambda_ln_rhoT
    angle = np.linspace(0, 2 * np.pi, count)
    first, second = np.cos(angle), np.sin(angle)
    across = c * first + np.sqrt(max(1 - c * c, 0.0)) * second
    # An undetermined direction has a width in the hundreds; its ellipse leaves the picture anyway.
    ln_lambda, ln_rhoT = (np.clip(v, -5, 5) for v in (a * first, b * across))
    return centre[0] * np.exp(ln_lambda), centre[1] * np.exp(ln_rhoT)


def _ticks(values: np.ndarray) -> tuple[list[float], list[str]]:
    inside = [t for t in TICKS if values.min() * 0.99 <= t <= values.max() * 1.01]
    return inside, [f"{t:g}" for t in inside]
