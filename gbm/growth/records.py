"""What a fit and its verification hand on: plain values, written as JSON beside their arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from gbm.growth.parameters import Growth
from gbm.io.files import plain

T = TypeVar("T", bound="_Record")

CONVERGED, NOT_CONVERGED = "converged", "not converged"


class _Record:
    """JSON in and out for a dataclass of plain values."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; NaN and infinities become None."""
        return {name: plain(getattr(self, name)) for name in _names(type(self))}

    @classmethod
    def from_json(cls: type[T], values: Mapping[str, Any]) -> T:
        """Inverse of `to_json`; further keys, of later steps, are ignored.

        Raises
        ------
        KeyError
            If a field without a default is missing.
        """
        known = {name: values[name] for name in _names(cls) if name in values}
        for name in ("warnings",):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


def _names(record: type) -> list[str]:
    return [f.name for f in fields(record)]


@dataclass(frozen=True, kw_only=True)
class FitResult(_Record):
    """One fit of one patient by a network.

    Attributes
    ----------
    method, lift, x0 : str
        bilo or pinn; char or heat; inferred or fixed.
    weight : float or None
        Data weight of a PINN.
    seed : int
        Of network and points.
    DT_mm2, rhoT, lambda_mm : float
        D T in mm^2, rho T, sqrt(D/rho) in mm.
    rD, rRHO : float
        Factors on the characteristic values.
    thresholds : dict
        u_WT and u_TC.
    x0_grid_mm : list of float
        Origin along the axes of the fitted grid, mm.
    objective_network : float
        Objective of the network's own density at the final k.
    status : str
        "converged", or in a word why not.
    converged : bool
        Whether the fit may be read.
    warnings : tuple of str
        In the user's words.
    steps, seconds, device
        Cost.
    history : dict of list
        Losses and parameters along the fit.
    assessment : dict
        Numbers that judge the fit: held-out residual, singular values and the like.
    """

    method: str
    lift: str
    x0: str
    weight: float | None
    seed: int
    DT_mm2: float
    rhoT: float
    lambda_mm: float
    rD: float
    rRHO: float
    thresholds: dict[str, float]
    x0_grid_mm: list[float]
    objective_network: float
    status: str
    converged: bool
    steps: int
    seconds: float
    device: str
    warnings: tuple[str, ...] = ()
    history: dict[str, list[float]] = field(default_factory=dict)
    assessment: dict[str, Any] = field(default_factory=dict)

    @property
    def growth(self) -> Growth:
        """D T and rho T."""
        return Growth(self.DT_mm2, self.rhoT)


@dataclass(frozen=True, kw_only=True)
class Verification(_Record):
    """A network's density beside the solver's at the same parameters.

    Attributes
    ----------
    relative_error_u : dict
        Relative L2 distance in the tissue (phi > 1/2), weighted by phi: "final" and, over all
        stored times, "all_t"; "final_with_interface" is that of the final time over all phi.
    objective : dict
        At the final k, of "network" and "fdm".
    objective_network_grid : dict
        The same on the cells that the network learned on: the voxels themselves in the plane.
    objective_prior : float
        The priors' share of both: a function of the parameters alone.
    dice : dict
        "network" and "fdm" -> region -> value.
    metrics : dict
        "network" and "fdm" -> region -> {"dice", "hd95_mm", "area_mm2" or "volume_ml"}.
    extent : dict
        Of the solver's density beyond WT, see `gbm.growth.extent`.
    status : str
        "converged", "disagreement" or "on a bound".
    warnings : tuple of str
        In the user's words.
    """

    relative_error_u: dict[str, float]
    objective: dict[str, float]
    dice: dict[str, dict[str, float]]
    metrics: dict[str, dict[str, dict[str, float]]]
    extent: dict[str, float]
    status: str
    objective_network_grid: dict[str, float]
    objective_prior: float
    warnings: tuple[str, ...] = ()
