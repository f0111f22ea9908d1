"""The lower level solved in the last layer: for the fields, and for every direction at once.

At a set of points the residual is linear in the rows of the last layer,

    dr = Phi dw + S c,      Phi_nj = dr_n / dw_j,      S_nk = (dr_n / df) [phi_k],

with one matrix Phi for the fields and for their derivative along any direction:

    L_res      r(w_0) = 0          dw_0 = -Phi^+ r,     Gauss-Newton
    L_rgrad    dr/dc_k = 0          w_k = -Phi^+ S_k,    to the end, whatever the number of k

so that one factorisation serves K tangents. What they leave, E = S + Phi w, is L_rgrad itself: it
says which directions the trunk can answer to, and the slopes of the trunk are chosen by it.

References: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10 (variable projection); Dong and Li 2021,
Comput. Methods Appl. Mech. Eng. 387 (least squares in the last layer).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.directions import Waves
from bilo.inverse.fields import as_tuple
from bilo.inverse.function import Function
from bilo.inverse.objective import Objective
from bilo.inverse.point_jets import PointJets, asked_by
from bilo.inverse.points import Points
from bilo.lower.losses import residual_weights
from bilo.networks.response import ResponseNetwork
from bilo.taylor.jacobian import per_point_weight_jacobian
from bilo.taylor.jets import Jet

RIDGE = 1e-9
"""Of the least squares, relative to columns of unit length."""
LEAST = 1e-3
"""Smallest part of a Gauss-Newton step of the fields that is tried."""
WORTH = 0.9
"""A further step of the fields is worth it where the last one left less than this."""


class Factors:
    """min |X w - b|^2 + ridge^2 |lengths w|^2 for many b, by one QR factorisation of X (N, w)."""

    def __init__(self, X: Tensor, ridge: float = RIDGE) -> None:
        self._lengths = X.norm(dim=0).clamp(min=1e-300)
        rows = torch.cat([X / self._lengths, ridge * torch.eye(X.shape[1]).to(X)])
        Q, self._R = torch.linalg.qr(rows)
        self._Q = Q[: len(X)]

    def solve(self, b: Tensor) -> Tensor:
        """w (w, K) of right-hand sides (N, K)."""
        w = torch.linalg.solve_triangular(self._R, self._Q.t() @ b, upper=True)
        return w / self._lengths[:, None]


class Expansion(ABC):
    """Expressions at points, linearised in the last layer and in the unknowns.

    Parameters
    ----------
    network : ResponseNetwork
    at : PointJets
        Without tangents.
    """

    def __init__(self, network: ResponseNetwork, at: PointJets) -> None:
        self.network, self.at, self.problem = network, at, network.problem
        self.h = network.features(at)

    @abstractmethod
    def expression(self, u: tuple[Jet, ...]) -> Tensor:
        """The values (E, N) that are linearised."""

    def fields(self, rows: Tensor) -> Tensor:
        """Network output (1, P, N, fields) of rows of the last layer."""
        table = rows.view(len(self.problem.fields), -1)
        return torch.einsum("pnj,fj->pnf", self.h, table)[None]

    def value(self, rows: Tensor) -> Tensor:
        """The expression (E, N) at other rows."""
        return self.expression(self.problem.represent(self.fields(rows), self.at))

    def linearise(self) -> tuple[Tensor, Tensor]:
        """The expression (E, N), and its derivative by the rows (E, N, rows).

        Derivatives by the unknowns' inputs are kept for `along` and `by_params`.
        """
        out = self.fields(self.network.rows).requires_grad_()
        with torch.enable_grad():
            leaves = self.at.shifted()
            found = self.expression(self.problem.represent(out, self.at))
            by = [
                torch.autograd.grad(e.sum(), [out, *leaves], retain_graph=True, allow_unused=True)
                for e in found
            ]
        self.at.solution = {name: f.detach() for name, f in self.at.solution.items()}
        # an expression may not ask for every unknown
        self._by_inputs = [
            [
                torch.zeros_like(z[0]) if g is None else g[0]
                for g, z in zip(row[1:], leaves, strict=True)
            ]
            for row in by
        ]
        by_rows = [torch.einsum("pnf,pnj->nfj", row[0][0], self.h).flatten(1) for row in by]
        return found.detach(), torch.stack(by_rows)

    def along(self, changes: Sequence[Tensor]) -> Tensor:
        """Change (E, N, K) of the expression along changes (K, P, N or 1) of the inputs."""
        n, K = self.h.shape[1], len(changes[0])
        rows = []
        for by in self._by_inputs:
            total = self.h.new_zeros(n, K)
            for g, change in zip(by, changes, strict=True):
                total += torch.einsum("pn,kpn->nk", g, change.expand(-1, -1, n))
            rows.append(total)
        return torch.stack(rows)

    def by_params(self) -> Tensor:
        """Change (E, N, size) of the expression by each code, the last layer held."""
        parts = list(zip(self.problem.unknowns, self.problem.split(self.at.params), strict=True))
        rows = []
        for by in self._by_inputs:
            columns = []
            for (k, part), g in zip(parts, by, strict=True):
                if not g.any():
                    columns.append(g.new_zeros(g.shape[1], k.size))
                elif isinstance(k, Function):
                    columns.append(self._by_weights(k, part, g))
                else:
                    columns.append(g[0, :, None])
            rows.append(torch.cat(columns, 1))
        return torch.stack(rows)

    def _by_weights(self, f: Function, params: Tensor, by_z: Tensor) -> Tensor:
        """(N, size) of a function's weights from the derivative by its input's jets (P, N)."""
        mlp = f.network(params.detach(), self.at)
        N = mlp.out.requires_grad_()
        with torch.enable_grad():
            z = f.transform(Jet(N[..., 0], self.at.streams), self.at) * (1 / f.scale)
            (by_N,) = torch.autograd.grad((by_z * z.data[0]).sum(), N)
        return per_point_weight_jacobian(mlp, by_N[None], mlp.x.shape[-1])[0]


class Residual(Expansion):
    """The equations at points, as rows of L_res: Phi, S and r times the root of their weights.

    Attributes
    ----------
    r : Tensor (E N,)
        |r|^2 is L_res.
    Phi : Tensor (E N, rows)
    """

    def __init__(self, network: ResponseNetwork, points: Points, params: Tensor) -> None:
        at = PointJets(network.problem, points, params, tangents=False)
        super().__init__(network, at)
        self.points = points
        self.update()

    def expression(self, u: tuple[Jet, ...]) -> Tensor:
        """All equations."""
        return torch.stack([r.value for r in self.problem.residuals(u, self.at)])

    def update(self) -> None:
        """Linearise at the network's present last layer."""
        r, Phi = self.linearise()
        with torch.no_grad():
            u = self.problem.represent(self.fields(self.network.rows), self.at)
            weight = torch.stack([residual_weights(self.problem, u, self.at, e) for e in r])
        self.root = (weight / r.shape[1]).sqrt()
        self.r = (self.root * r).flatten()
        self.Phi = (self.root[..., None] * Phi).flatten(0, 1)

    def loss(self, rows: Tensor | None = None) -> float:
        """L_res, at other rows where there are any; the weights are held."""
        if rows is None:
            return float((self.r**2).sum())
        with torch.no_grad():
            return float(((self.root * self.value(rows)) ** 2).sum())

    def moved_by(self, changes: Sequence[Tensor]) -> Tensor:
        """S (E N, K) along changes of the inputs."""
        return (self.root[..., None] * self.along(changes)).flatten(0, 1)

    def moved_by_params(self) -> Tensor:
        """S (E N, size) along each code."""
        return (self.root[..., None] * self.by_params()).flatten(0, 1)


class Observed(Expansion):
    """What the data see, linearised.

    Attributes
    ----------
    u : Tensor (N,)
    Psi : Tensor (N, rows)
    """

    def __init__(self, network: ResponseNetwork, data: Objective, params: Tensor) -> None:
        problem, points = network.problem, data.points.to(network.like)
        also: tuple[str, ...] = ()
        if data.seen is not None:
            also = asked_by(problem, data.seen, points, params)
        at = PointJets(problem, points, params, tangents=False, derivatives=bool(also), also=also)
        self.data = data
        super().__init__(network, at)
        u, Psi = self.linearise()
        self.u, self.Psi = u.t().flatten(), _side_by_side(Psi)

    def expression(self, u: tuple[Jet, ...]) -> Tensor:
        """All that is seen at a point."""
        found = u
        if self.data.seen is not None:
            found = as_tuple(self.data.seen(self.problem.together(u), self.at))
        return torch.stack([j.d("1").value.expand(self.h.shape[1]) for j in found])

    def moved_by(self, changes: Sequence[Tensor]) -> Tensor:
        """Change (N, K) along changes of the inputs, the last layer held."""
        return _side_by_side(self.along(changes))

    def moved_by_params(self) -> Tensor:
        """Change (N, size) along each code, the last layer held."""
        return _side_by_side(self.by_params())


def solve(network: ResponseNetwork, points: Points, params: Tensor, steps: int) -> Solved:
    """Gauss-Newton steps of w_0 down L_res, each halved until it descends."""
    residual = Residual(network, points, params)
    factors = Factors(residual.Phi)
    for _ in range(steps):
        before, part, here = residual.loss(), 1.0, network.rows
        d = -factors.solve(residual.r[:, None])[:, 0]
        while not residual.loss(here + part * d) < before:
            part /= 2
            if part < LEAST:
                return Solved(residual, factors)
        network.put(here + part * d)
        residual.update()
        factors = Factors(residual.Phi)
        if residual.loss() > WORTH * before:
            break
    return Solved(residual, factors)


@dataclass(frozen=True)
class Solved:
    """A lower level at rest: the residual where it ended, and the factors of its Phi."""

    residual: Residual
    factors: Factors

    def unanswered(self, waves: Waves) -> float:
        """Mean |E_k| / |S_k|, E = S - Phi Phi^+ S: the part of L_rgrad that the trunk leaves."""
        residual = self.residual
        S = residual.moved_by(waves.changes(residual.at.params, residual.at))
        E = S - residual.Phi @ self.factors.solve(S)
        return float((E.norm(dim=0) / S.norm(dim=0).clamp(min=1e-300)).mean())


def _side_by_side(rows: Tensor) -> Tensor:
    """(E, N, K) as (N E, K), entries of one point side by side."""
    return rows.transpose(0, 1).flatten(0, 1)
