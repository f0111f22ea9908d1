"""Small heads of white matter with a tumour of the solver's own, in two or three dimensions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gbm.domain.build import phase_field
from gbm.domain.domain import Domain
from gbm.growth.finite_volume import solve
from gbm.growth.parameters import Growth, Seed, squared_distance

TRUTH = {"lambda_mm": 2.0, "rhoT": 7.0, "WT": 0.3, "TC": 0.6}
BALL_RHO_T = 8.0


def head(tissue: np.ndarray, x0: np.ndarray) -> Domain:
    """Tissue of white and grey matter on 1 mm voxels, without a tumour yet."""
    axes = tuple(np.arange(n) - 3.0 for n in tissue.shape)
    share = 0.7 + 0.3 * np.cos(np.arange(tissue.shape[0]) / 4.0)
    wm = tissue * share.reshape(-1, *[1] * (tissue.ndim - 1))
    gm = tissue - wm
    empty = np.zeros(tissue.shape, bool)
    return Domain(
        patient="p1", P=wm + gm / 10, phi=phase_field(tissue, 1.0, 3.0), WT=empty, TC=empty,
        wm=wm, gm=gm, csf=1.0 - tissue, axes=axes, x0=x0, affine=np.eye(4), numbers={},
    )  # fmt: skip


def grown(domain: Domain, truth: dict[str, float] = TRUTH) -> Domain:
    """A head with the regions of a tumour that began at its x0."""
    growth = Growth.of_lambda(truth["lambda_mm"], truth["rhoT"])
    u = solve(domain, growth, Seed(domain.x0))[0]
    whole, core = ((u > truth[name]) & domain.tissue for name in ("WT", "TC"))
    return replace(domain, WT=whole, TC=core)


def disc() -> Domain:
    """A slice whose tumour comes near a wall on one side."""
    axes = np.arange(56), np.arange(52)
    return grown(
        head(squared_distance(axes, np.array([27.0, 25.0])) < 25**2, np.array([20.0, 23.0]))
    )


def ball() -> Domain:
    """A volume whose tumour stays clear of the walls."""
    axes = (np.arange(52), np.arange(48), np.arange(44))
    tissue = squared_distance(axes, np.array([25.0, 23.0, 21.0])) < 24**2
    return grown(head(tissue, np.array([23.0, 21.0, 20.0])), TRUTH | {"rhoT": BALL_RHO_T})


def permuted(domain: Domain, order: tuple[int, ...]) -> Domain:
    """The same head with its axes in another order."""
    names = ("P", "phi", "WT", "TC", "wm", "gm", "csf")
    arrays = {name: np.ascontiguousarray(getattr(domain, name).transpose(order)) for name in names}
    axes = tuple(domain.axes[k] for k in order)
    return replace(domain, **arrays, axes=axes, x0=domain.x0[list(order)])
