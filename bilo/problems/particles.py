"""Particles born at a point: a Poisson process with singular forcing (paper, section 4.2)."""

import math

import torch

from bilo.inverse import Box, Condition, Points, Problem, Scalar, Snapshots

BIRTH = 0.5
"""z, where particles are born."""
SCALE = 250.0
"""Of the intensity: lambda at the start."""


class Particles(Problem):
    """u'' - mu u + lambda delta(x - z) = 0 on (0, 1), u(0) = u(1) = 0.

    u is the intensity of particles that are born at z at the rate lambda, diffuse, and switch off
    at the rate mu. The kink at z is an input of the network (cusp-capturing network, Tseng et al.
    2023): u(x) = v(x, s), s = |x - z|, with v smooth. The equation then holds on either side, and
    the birth is a condition on the jump, [u'](z) = 2 dv/ds(z, 0) = -lambda.
    """

    box = Box(x=(0, 1))
    unknowns = (
        Scalar("lambda", start=250.0, truth=500.0, bounds=(25.0, 2500.0)),
        Scalar("mu", start=5.0, truth=10.0, bounds=(0.5, 50.0)),
    )
    observation = Snapshots(100, kinks=(0.0, BIRTH, 1.0))

    def features(self, at):
        """x and s, both to (-1, 1)."""
        s = at.cached("s", lambda at: (at["x"] - BIRTH) * at.constant("side"))
        return [at["x"] * 2 - 1, s * 4 - 1]

    def transform(self, N, at):
        """u = 250 softplus(N) x (1 - x): an intensity is positive."""
        return N.softplus() * (at.vanishing("x") * SCALE)

    def residual(self, u, at):
        """r = (u'' - mu u) / 250, away from z."""
        return (u.d("x", "x") - at["mu"] * u) * (1 / SCALE)

    def conditions(self):
        """dv/ds(z, 0) + lambda / 2, in units of 250: the jump at z."""

        def jump(u, at):
            slope = u.d("x")
            both = slope.part(slice(0, 1)) - slope.part(slice(1, 2))
            return (both + at["lambda"].d("1")) * (0.5 / SCALE)

        z = torch.full((2,), BIRTH)
        return (Condition(Points({"x": z}, {"side": torch.tensor([1.0, -1.0])}), jump),)

    def collocation(self, n, generator):
        """Midpoints of 100 cells, or of n: none lies on z."""
        return self.place(self.domain.midpoints(n or 100).coordinates)

    def place(self, coordinates):
        """Points with the side of z they lie on."""
        x = coordinates["x"]
        return Points({"x": x}, {"side": torch.where(x < BIRTH, -1.0, 1.0).to(x)})

    def reference(self, theta):
        """The exact solution, a product of two hyperbolic sines, continued on the point's side."""
        root = math.sqrt(theta["mu"])

        def at(points):
            x, z = points.coordinates["x"].double(), torch.tensor(BIRTH).double()
            before = points.known["side"] < 0
            left, right = torch.where(before, x, z), 1 - torch.where(before, z, x)
            product = (root * left).sinh() * (root * right).sinh()
            return product * (theta["lambda"] / (root * math.sinh(root)))

        return at
