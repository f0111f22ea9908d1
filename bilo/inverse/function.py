"""An unknown function: a network of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.ensemble import Ensemble
from bilo.inverse.points import Points, values_at
from bilo.inverse.unknown import PointFunction, Unknown
from bilo.taylor.fourier import fourier_features
from bilo.taylor.jacobian import FactoredJacobian, Products, per_point_weight_jacobian
from bilo.taylor.jets import Jet, stack
from bilo.taylor.streams import VALUE
from bilo.taylor.taylor_mlp import TaylorMLP, Weights

if TYPE_CHECKING:
    from bilo.inverse.cells import Cells
    from bilo.inverse.regulariser import Regulariser

FIT_STEPS = 400
"""Most iterations of L-BFGS that fit a function's network to its first guess,"""
FIT_ERROR = 1e-4
"""until its root mean square error, over the scale, is below this,"""
FIT_POINTS = (101, 41, 13, 7)
"""at so many points along the one coordinate, or along each of two to four."""
SENSOR_POINTS = (101, 21, 9, 5)
"""Points along the one coordinate, or each of two to four, that tell how far a function moved."""
FREE = 1e6
"""Bound of the weights of a function's network, which are free."""


def unchanged(N: Jet, at: CoordinateJets) -> Jet:
    """f = N."""
    return N


def zero(points: Points) -> Tensor:
    """f = 0."""
    return torch.zeros(len(points), dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Function(Unknown):
    """An unknown function, a network with an output transform: f(x) = transform(N(x; V)).

    Parameters
    ----------
    name : str
    coordinates : tuple of str
        What f depends on.
    box : Box, optional
        Where f lives, in these coordinates; None: (0, 1) in each.
    regulariser : Regulariser, optional
        What is known of f beside the data, weighted by `w_reg` of a method.
    transform : callable
        (N, at) -> f as jets.
    start : callable
        f_0, the first guess: points -> (N,), or one number. The function's network is fitted to it;
        with `cells`, where the weak form is taken, it is read at their nodes.
    truths : tuple of callable
        Functions behind generated data; the first is the usual one.
    scale : float
        The operator sees f divided by this.
    width, layers : int
        Of the network's tanh layers.
    fourier : float
        Standard deviation of the frequencies (in half waves on the unit interval) of frozen
        Fourier features; 0: the coordinates alone.
    sampled : Ensemble, optional
        Functions that a neural operator is trained on.
    slope : float
        Largest slope of the first layer's features at the start, their centres all over the box;
        0: the usual start, features that are nearly linear there.
    cells : Cells, optional
        The grid on which f is known by its values, inside bounds, where the equation is taken in
        its weak form (recipe `varpro`); other recipes take the network.
    """

    name: str
    coordinates: tuple[str, ...]
    transform: Callable[[Jet, CoordinateJets], Jet] = unchanged
    start: PointFunction = zero
    truths: tuple[PointFunction, ...] = ()
    scale: float = 1.0
    width: int = 64
    layers: int = 2
    fourier: float = 0.0
    sampled: Ensemble | None = None
    box: Box | None = None
    regulariser: Regulariser | None = None
    slope: float = 0.0
    cells: Cells | None = None

    @property
    def domain(self) -> Box:
        """Where f lives."""
        return self.box or Box.unit(self.coordinates)

    @property
    def truth(self) -> PointFunction:
        """The usual function behind generated data."""
        return self.truths[0]

    @property
    def _widths(self) -> list[int]:
        first = 2 * self.width if self.fourier else len(self.coordinates)
        return [first, *[self.width] * self.layers, 1]

    @property
    def size(self) -> int:
        """Weights of the network."""
        return sum((i + 1) * o for i, o in zip(self._widths[:-1], self._widths[1:], strict=True))

    def start_params(self, seed: int) -> Tensor:
        """Random weights, then a least-squares fit of f_0 by L-BFGS."""
        return self.fitted(self.start, self.random_params(seed))

    def random_params(self, seed: int) -> Tensor:
        """Weights (size,), float64, from U(-1/sqrt(d), 1/sqrt(d)), d the inputs of a layer."""
        generator = torch.Generator().manual_seed(seed)
        if self.slope:
            return self._basis(generator)
        parts = []
        for fan_in, out in zip(self._widths[:-1], self._widths[1:], strict=True):
            shape, bound = (out * (fan_in + 1),), fan_in**-0.5
            parts.append(
                (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * bound
            )
        return torch.cat(parts)

    def _basis(self, generator: torch.Generator) -> Tensor:
        """Weights of a network whose features have all slopes and centres, its output small."""

        def uniform(*shape: int) -> Tensor:
            return 2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1

        (d, first), *hidden, (last, _) = zip(self._widths[:-1], self._widths[1:], strict=True)
        A = uniform(first, d) * self.slope
        parts = [A.flatten(), -(A * (uniform(first, d) + 1) / 2).sum(1)]
        for fan_in, out in hidden:
            parts += [(uniform(out, fan_in) * (1.5 / fan_in) ** 0.5).flatten(), uniform(out) / 2]
        return torch.cat([*parts, 0.1 * uniform(last) / last**0.5, 0.1 * uniform(1)])

    def fitted(self, function: PointFunction, params: Tensor) -> Tensor:
        """Weights near `params` that represent a function."""
        points = self.domain.grid(FIT_POINTS[len(self.coordinates) - 1])
        wanted = values_at(points, function)

        def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
            params = torch.from_numpy(v).requires_grad_()
            value = ((self.at(points, params) - wanted) ** 2).mean() / self.scale**2
            (gradient,) = torch.autograd.grad(value, params)
            return value.item(), gradient.numpy()

        def enough(intermediate_result: OptimizeResult) -> None:
            if intermediate_result.fun < FIT_ERROR**2:
                raise StopIteration

        found = minimize(
            loss,
            params.numpy(),
            jac=True,
            method="L-BFGS-B",
            callback=enough,
            options={"maxiter": FIT_STEPS, "ftol": 0.0, "gtol": 0.0},
        )
        return torch.from_numpy(found.x)

    def weights(self, params: Tensor) -> Weights:
        """Weight and bias of every layer, views of the params."""
        shapes = list(zip(self._widths[:-1], self._widths[1:], strict=True))
        layers = params.split([(i + 1) * o for i, o in shapes])
        return [
            (layer[: i * o].view(o, i), layer[i * o :])
            for layer, (i, o) in zip(layers, shapes, strict=True)
        ]

    def network(self, params: Tensor, at: CoordinateJets) -> TaylorMLP:
        """The network's forward pass with all streams of a frame."""
        return TaylorMLP(self._features(at), self.weights(params), at.streams)

    def input(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """f and its derivatives, divided by the scale; inside a graph where the params are."""
        x = self._features(at)
        of_a_field = any(c not in at.points.coordinates for c in self.coordinates)
        moving = params.requires_grad or (of_a_field and x.requires_grad)
        kept = moving and torch.is_grad_enabled()
        with torch.set_grad_enabled(kept):
            mlp = TaylorMLP(x, self.weights(params), at.streams)
            out = mlp.along() if kept else mlp.out
        return (self.transform(Jet(out[..., 0], at.streams), at) * (1 / self.scale)).data

    def value(self, z: Jet) -> Jet:
        """The input times the scale."""
        return z * self.scale

    def input_by_params(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """Derivative of the input by the weights, (size, N)."""
        return self.rows(params, at, lambda f: f.value) / self.scale

    def rows(self, params: Tensor, at: CoordinateJets, form: Callable[[Jet], Tensor]) -> Tensor:
        """Derivative by the weights of one number (N,) a point made from f's jet: (size, N)."""
        mlp, by_out = self._by_out(params, at, form)
        with torch.no_grad():
            return per_point_weight_jacobian(mlp, by_out[None], self._widths[0])[0].t()

    def factored(
        self, params: Tensor, at: CoordinateJets, form: Callable[[Jet], Tensor]
    ) -> Products:
        """The transpose of `rows` by its products."""
        mlp, by_out = self._by_out(params, at, form)
        with torch.no_grad():
            return FactoredJacobian(mlp, by_out, self._widths[0])

    def _by_out(
        self, params: Tensor, at: CoordinateJets, form: Callable[[Jet], Tensor]
    ) -> tuple[TaylorMLP, Tensor]:
        """The network, and the derivative of one number a point by its output jets."""
        with torch.enable_grad():
            mlp = self.network(params.detach(), at)
            out = mlp.out.requires_grad_()
            f = self.transform(Jet(out[..., 0], at.streams), at)
            (by_out,) = torch.autograd.grad(form(f).sum(), out)
        return mlp, by_out

    def at(self, points: Points, params: Tensor) -> Tensor:
        """f (N,) at points."""
        return self.input(params, CoordinateJets(points.to(params), VALUE))[0, 0] * self.scale

    def from_params(self, params: Tensor) -> PointFunction:
        """The function of some weights."""
        fixed = params.detach().double().cpu().clone()
        return lambda points: self.at(points, fixed)

    def _features(self, at: CoordinateJets) -> Tensor:
        """Input jets (1, P, N, d) of the network."""
        parts = self.domain.relative({c: at[c] for c in self.coordinates})
        x = stack([parts[c] for c in self.coordinates])[:1]
        if not self.fourier:
            return x
        return fourier_features(x, self.frequencies.to(x), at.streams)

    @property
    def frequencies(self) -> Tensor:
        """Frozen angular frequencies (width, d) of the Fourier features, where it has any."""
        generator = torch.Generator().manual_seed(0)
        B = torch.randn(self.width, len(self.coordinates), generator=generator)
        return math.pi * self.fourier * B

    def sensor_values(self, params: Tensor) -> Tensor:
        """f over the scale, on an equidistant grid."""
        return self.at(self.sensors, params) / self.scale

    @property
    def sensors(self) -> Points:
        """An equidistant grid."""
        return self.domain.grid(SENSOR_POINTS[len(self.coordinates) - 1])

    def sensor_jets(self, like: Tensor) -> CoordinateJets:
        """Values alone at the points of `sensor_values`."""
        return self.jets(self.sensors, like)

    def jets(self, points: Points, like: Tensor) -> CoordinateJets:
        """Values alone at points."""
        return CoordinateJets(points.to(like), VALUE)

    @property
    def sensor_range(self) -> tuple[float, float]:
        """The ensemble's range over the scale.

        Raises
        ------
        ValueError
            If there is no ensemble.
        """
        if self.sampled is None:
            raise ValueError(f"{self.name} has no ensemble of functions to train an operator on")
        low, high = self.sampled.range
        return low / self.scale, high / self.scale

    def read(self, value: PointFunction, points: Points) -> Tensor:
        """f at points, over the scale."""
        return values_at(points, value) / self.scale

    def param_bounds(self) -> tuple[Tensor, Tensor]:
        """None: weights are free."""
        free = torch.full((self.size,), FREE, dtype=torch.float64)
        return -free, free
