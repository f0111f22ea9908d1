"""What the pages call things of a fit of one slice, and of one of the whole tumour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Words:
    """Names by dimension.

    Attributes
    ----------
    fitted : str
        What was fitted.
    where : str
        Where scores are taken.
    disc : str
        The reference of equal size.
    size, unit, metric : str
        Area or volume, its unit, and its name in the metrics table.
    digits, extent_digits : int
        Decimals of a size, and of an extent beyond the outline.
    cells : str
        On which cells the objective is drawn along the parameters.
    """

    fitted: str
    where: str
    disc: str
    size: str
    unit: str
    metric: str
    digits: int
    extent_digits: int
    cells: str

    @property
    def plain_disc(self) -> str:
        """The reference of equal size in a sentence."""
        return f"a plain {self.disc} of the same {self.size}"


WORDS = {
    2: Words(
        fitted="one slice",
        where="on the fitted slice",
        disc="disc",
        size="area",
        unit="mm²",
        metric="area_mm2",
        digits=0,
        extent_digits=0,
        cells="1 mm",
    ),
    3: Words(
        fitted="the whole tumour",
        where="over the whole tumour",
        disc="ball",
        size="volume",
        unit="ml",
        metric="volume_ml",
        digits=2,
        extent_digits=1,
        cells="2 mm",
    ),
}
