"""The discretised inverse problem of classical methods: an unknown function by its nodal values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import RegularGridInterpolator
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.points import Points, values_at
from bilo.inverse.unknown import PointFunction
from bilo.solvers.discretised import Array, Discretised, Pull


@dataclass(frozen=True)
class Nodal:
    """An unknown function z at the nodes of an equidistant grid, ends included.

        J(z) = mean (C u(z) - d)^2 + w_reg R(z),
        R = mean |grad z|^2,    or, with `corner`,    R = mean sqrt(|grad z|^2 + corner^2),

    the mean over the grid's cells, slopes by differences: in one dimension the integral over
    (0, 1) for the z that is linear in between. It is the objective of BiLO's upper level with the
    same constants (those of `Regulariser`); the discretisation is the solver's.

    Parameters
    ----------
    unknown : Function
    scheme : Discretised
        C u(z), bounds of z, and which R.
    data : ndarray (N,)
        d.
    """

    unknown: Function
    scheme: Discretised
    data: Array

    @property
    def forward(self) -> Callable[[Array], tuple[Array, Pull]]:
        """z -> predictions and the transposed derivative there."""
        return self.scheme.forward

    @property
    def low(self) -> Array:
        """Lower bounds of z."""
        return self.scheme.low

    @property
    def high(self) -> Array:
        """Upper bounds of z."""
        return self.scheme.high

    @property
    def matrix(self) -> Array | None:
        """C u as a function of z, where that is linear."""
        return self.scheme.matrix

    @property
    def corner(self) -> float:
        """Slope below which total variation is rounded; 0: squared slope."""
        return self.scheme.corner

    @property
    def axes(self) -> list[Array]:
        """Coordinates of the nodes along every axis."""
        return [np.linspace(0.0, 1.0, n) for n in self.low.shape]

    def start(self) -> Array:
        """Nodal values of the first guess, inside the bounds."""
        mesh = np.meshgrid(*self.axes, indexing="ij")
        rows = (torch.from_numpy(m.ravel()) for m in mesh)
        points = Points(dict(zip(self.unknown.coordinates, rows, strict=True)))
        return self.admissible(
            values_at(points, self.unknown.start).numpy().reshape(self.low.shape)
        )

    def admissible(self, z: Array) -> Array:
        """The nearest z inside the bounds."""
        return np.asarray(np.clip(z, self.low, self.high))

    def data_loss(self, z: Array) -> float:
        """Mean (C u - d)^2."""
        return float(((self.forward(z)[0] - self.data) ** 2).mean())

    def objective(self, z: Array, w_reg: float) -> tuple[float, Array]:
        """J and its gradient, of z's shape."""
        u, pull = self.forward(z)
        error = u - self.data
        R, by_z = self.regulariser(z)
        gradient = pull(2 * error / len(error)) + w_reg * by_z
        return float((error**2).mean()) + w_reg * R, gradient

    def regulariser(self, z: Array) -> tuple[float, Array]:
        """R and its gradient, of z's shape."""
        cells = tuple(n - 1 for n in z.shape)
        kept = tuple(slice(n) for n in cells)
        slopes = [n * np.diff(z, axis=a)[kept] for a, n in enumerate(cells)]
        size = sum(s**2 for s in slopes) + np.zeros(cells)
        if self.corner:
            size = np.sqrt(size + self.corner**2)
        by_z = np.zeros_like(z)
        for a, slope in enumerate(slopes):
            flow = cells[a] * (slope / size if self.corner else 2 * slope) / size.size
            by_z[kept] -= flow
            by_z[(*kept[:a], slice(1, None), *kept[a + 1 :])] += flow
        return float(size.mean()), by_z

    def projected(self, z: Array, gradient: Array) -> Array:
        """What is left of a gradient where the bounds hold z: zero at a minimum."""
        return z - self.admissible(z - gradient)

    def slope(self, z: Array, gradient: Array) -> float:
        """The largest entry of the projected gradient."""
        return float(np.abs(self.projected(z, gradient)).max())

    def function(self, z: Array) -> PointFunction:
        """The function of nodal values."""
        interpolant = RegularGridInterpolator(self.axes, z, method=self.scheme.between)

        def f(points: Points) -> Tensor:
            rows = [points.coordinates[c].double().cpu().numpy() for c in self.unknown.coordinates]
            return torch.from_numpy(interpolant(np.stack(rows, -1)))

        return f
