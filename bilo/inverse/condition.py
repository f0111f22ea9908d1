"""Further equations of a problem, at points of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bilo.inverse.fields import Fields
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points


@dataclass(frozen=True)
class Condition:
    """A further equation c(u, theta) = 0 at points of its own: a jump, a soft boundary value.

    It joins the lower level with both its losses,
    ``weight * (mean c^2 + w_rgrad mean sum_j (dc/dtheta_j)^2)``.

    Parameters
    ----------
    points : Points
    residual : callable
        (u, at) -> c as a jet.
    weight : float
    """

    points: Points
    residual: Callable[[Any, PointJets], Fields]
    weight: float = 1.0


def value(unknown: str, **where: float) -> Condition:
    """u = an unknown scalar at one point: a boundary value that no transform imposes."""
    point = Points({name: torch.tensor([x]) for name, x in where.items()})
    return Condition(point, lambda u, at: u.d("1") - at[unknown].d("1"))
