"""Darcy flow in 2-D with an unknown permeability (paper, section 4.6)."""

from bilo.inverse import Box, Function, Observation, Problem, d, shapes, total_variation
from bilo.inverse.cells import Cells
from bilo.inverse.random_fields import TwoPhase
from bilo.solvers import darcy
from bilo.solvers.darcy import CORNER, HIGH, LOW, NODES

FINE = 5
"""Intervals of the reference solution in one of the grid's."""
SAMPLES = 10
FIRST_START = 1000
"""Seed of the field that the start is made of; the truths' are 0, 1, .."""


class Darcy(Problem):
    """-div(A grad u) = 1 on the unit square, u = 0 on its boundary."""

    box = Box(x=(0, 1), y=(0, 1))
    unknowns = (
        Function(
            "A", ("x", "y"), shapes.between(LOW, HIGH), scale=HIGH / 2, fourier=3.0,
            start=TwoPhase(FIRST_START, LOW, HIGH, NODES, smooth=True),
            truths=tuple(TwoPhase(k, LOW, HIGH, NODES) for k in range(SAMPLES)),
            regulariser=total_variation(NODES, ("x", "y"), CORNER), cells=Cells(NODES, LOW, HIGH),
        ),
    )  # fmt: skip
    observation = Observation(x=NODES, y=NODES)
    nodes = NODES
    stop_gradient_inputs = True
    fourier_coordinates = 2
    fourier_scale = 3.0

    def truth(self, seed=0):
        """The sample that the seed numbers."""
        (A,) = self.functions
        return {"A": A.truths[seed % len(A.truths)]}

    def principal(self, at):
        """M u = u_xx + u_yy."""
        return d("x", "x") + d("y", "y")

    def transform(self, N, at):
        """u = N x (1 - x) y (1 - y) A_0 / A, with A_0 = A held.

        A_0 / A is 1 and its derivative by A is -1 / A. So du/dA begins at -u / A, what it is for a
        change in proportion, u(c A) = u(A) / c, and the network learns the rest.
        """
        return N * at.vanishing("x", "y") * (at.held("A") / at["A"])

    def residual(self, u, at):
        """r = A_x u_x + A_y u_y + A M u + 1."""
        A = at["A"]
        flow = A.d("x") * u.d("x") + A.d("y") * u.d("y")
        return flow + A.d("1") * at.apply(u) + 1.0

    def weak(self, u, v, at):
        """A grad u . grad v - v: A may jump."""
        return at["A"] * (u.d("x") * v.d("x") + u.d("y") * v.d("y")) - v

    def pretraining_weight(self, known, points):
        """1 / mean u^2: the misfit is a relative one, for u is small."""
        return 1 / (known**2).mean().expand(len(known))

    def solve(self, theta):
        """Finite volumes on 301 x 301 nodes."""
        n = (NODES - 1) * FINE + 1
        u = darcy.solve(theta["A"](Box.unit(("x", "y")).grid(n)).numpy().reshape(n, n))
        return lambda x, y: darcy.bilinear(u, x, y)

    def discretise(self, x, y):
        """3 <= A <= 12 at 61 x 61 nodes, constant about each: finite volumes on the same nodes."""
        return darcy.discretised(x, y)
