"""Predator and prey: four rates of a system of two fields."""

import numpy as np
import torch

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.solvers import lotka_volterra as solver

RATES = ("a", "b", "c", "d")
START = (1.0, 0.5, 0.5, 0.15)


class LotkaVolterra(Problem):
    """x' = a x - b x y, y' = d x y - c y on (0, 20], (x, y) = (4, 2) at 0."""

    box = Box(t=(0, solver.END))
    fields = ("x", "y")
    unknowns = tuple(
        Scalar(name, start=start, truth=float(truth), bounds=(0.01, 5.0))
        for name, start, truth in zip(RATES, START, solver.TRUTH, strict=True)
    )
    nodes = 401

    def transform(self, N, at):
        """x = 4 (1 + N_1 t / T), y = 2 (1 + N_2 t / T)."""
        t = at["t"] * (1 / solver.END)
        return tuple(first * (1 + n * t) for first, n in zip(solver.INITIAL, N, strict=True))

    def residual(self, u, at):
        """Both equations."""
        x, y = u
        a, b, c, d = (at[name] for name in RATES)
        return x.d("t") - a * x + b * x * y, y.d("t") - d * x * y + c * y

    def collocation(self, n, generator):
        """401 equidistant points, or n of Gauss and Legendre."""
        return self.domain.gauss(n) if n else super().collocation(None, generator)

    def solve(self, theta):
        """Runge-Kutta of order eight."""
        rates = [theta[name] for name in RATES]
        return lambda t: solver.solve(rates, t)

    def sensitivities(self, theta, points):
        """Both species at each time, and their derivatives by the rates."""
        t = points.coordinates["t"].numpy()
        u, J = solver.sensitivities([theta[name] for name in RATES], t)
        return torch.from_numpy(u.ravel()), torch.from_numpy(J.reshape(-1, len(RATES)).T.copy())

    def observe(self, theta, noise, seed):
        """Both species at 40 times, with noise relative to each species' mean."""
        t = np.linspace(0.5, solver.END, 40)
        values = self.solve(theta)(t)
        sigma = noise * values.mean(0)
        values = values + sigma * np.random.default_rng(seed).standard_normal(values.shape)
        known = torch.from_numpy(np.tile(sigma, len(t))) if noise else None
        return LeastSquares(Points({"t": torch.from_numpy(t)}), torch.from_numpy(values), known)
