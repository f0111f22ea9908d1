"""How an inverse problem is stated: unknowns, equation, data, regulariser. The words of a problem's
file are here.
"""

from bilo.inverse import condition, shapes
from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.ensemble import Ensemble
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.observation import Observation
from bilo.inverse.points import Points
from bilo.inverse.poisson_process import Snapshots
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import slope, total_variation
from bilo.inverse.unknown import Scalar
from bilo.taylor.streams import d

__all__ = [
    "Box",
    "Condition",
    "Ensemble",
    "Function",
    "LeastSquares",
    "Observation",
    "Points",
    "Problem",
    "Scalar",
    "Snapshots",
    "condition",
    "d",
    "shapes",
    "slope",
    "total_variation",
]
