"""Which fits a patient gets, and their names in files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from gbm.config.settings import FitSettings, Settings

PATTERN = (
    r"bilo_(?:char|heat)_(?:inferred|fixed)_seed\d+"
    r"|pinn_(?:char|heat)_w[0-9.]+(?:e-?[0-9]+)?_seed\d+"
)
"""Regular expression of all names, for wildcards."""

OF_COMPARISON = ("comparison", "lifts", "pinn_weights")
"""Keys of the section `fit` that change nothing in the main job."""

Lift = Literal["char", "heat"]

_NAME = re.compile(
    r"(?P<method>bilo|pinn)_(?P<lift>char|heat)_(?:(?P<origin>inferred|fixed)|w(?P<weight>[0-9.e-]+))"
    r"_seed(?P<seed>\d+)"
)


@dataclass(frozen=True)
class FitSpec:
    """One fit of one patient; a PINN always infers the origin.

    Parameters
    ----------
    method, lift, origin : str
        See `gbm.network_fit.best_basin`.
    weight : float or None
        Data weight of a PINN.
    seed : int
        Of the network and its points.
    """

    method: Literal["bilo", "pinn"]
    lift: Lift
    origin: Literal["inferred", "fixed"]
    weight: float | None
    seed: int

    @property
    def name(self) -> str:
        """The name in files.

        >>> FitSpec("pinn", "char", "inferred", 1e-3, 0).name
        'pinn_char_w1e-3_seed0'
        >>> FitSpec("bilo", "heat", "inferred", None, 2).name
        'bilo_heat_inferred_seed2'
        """
        kind = self.origin if self.weight is None else f"w{short(self.weight)}"
        return f"{self.method}_{self.lift}_{kind}_seed{self.seed}"

    @classmethod
    def parse(cls, name: str) -> FitSpec:
        """Read a name back.

        >>> FitSpec.parse("pinn_char_w1e-3_seed0").weight
        0.001

        Raises
        ------
        ValueError
            If it is no name of a fit.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is no name of a fit")
        weight = match["weight"]
        if (weight is None) != (match["method"] == "bilo"):
            raise ValueError(f"{name!r}: a PINN has a weight, BiLO has none")
        return cls(
            method=match["method"],  # type: ignore[arg-type]
            lift=match["lift"],  # type: ignore[arg-type]
            origin=match["origin"] or "inferred",  # type: ignore[arg-type]
            weight=None if weight is None else float(weight),
            seed=int(match["seed"]),
        )


def short(weight: float) -> str:
    """A weight in the fewest characters.

    >>> short(0.001), short(2.5e-05), short(10.0)
    ('1e-3', '2.5e-5', '1e1')
    """
    mantissa, exponent = f"{weight:e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def headline_fit(settings: Settings) -> FitSpec:
    """The network that a result reports: BiLO, ``char`` lift, origin inferred, first seed."""
    return FitSpec("bilo", "char", "inferred", None, settings.fit.seeds[0])


def planned(settings: Settings) -> tuple[FitSpec, ...]:
    """The networks of the main job: the headline first; none where the direct fit is it.

    Further seeds repeat the headline fit, for its spread. The headline is the ``char`` lift,
    whatever other lifts are asked for.
    """
    if settings.fit.method == "direct":
        return ()
    headline = headline_fit(settings)
    fits = [replace(headline, seed=seed) for seed in settings.fit.seeds]
    return tuple(dict.fromkeys(fits))


def compared(settings: Settings) -> tuple[FitSpec, ...]:
    """The networks of the comparison, of the first seed.

    BiLO with every other lift, BiLO with the origin fixed, and a PINN for every weight.
    """
    headline = headline_fit(settings)
    fits = [replace(headline, lift=lift) for lift in settings.fit.lifts if lift != headline.lift]
    fits.append(replace(headline, origin="fixed"))
    fits += [replace(headline, method="pinn", weight=w) for w in settings.fit.pinn_weights]
    return tuple(dict.fromkeys(fits))


def of_main_job(settings: Settings) -> Settings:
    """Settings without what belongs to the comparison: asking for it changes no result."""
    defaults = FitSettings().model_dump(include={*OF_COMPARISON})
    fit = settings.fit.model_copy(update=defaults)
    return settings.model_copy(update={"fit": fit})
