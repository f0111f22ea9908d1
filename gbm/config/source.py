"""Where an image of a patient file comes from: a NIfTI file, or one series of a DICOM folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gbm.config.errors import is_dicom
from gbm.config.model import Model


class Series(Model):
    """A folder of DICOM and, where it holds several series, which of them is meant."""

    path: Path = Field(description="folder of the series")
    series: Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")] | None = Field(
        default=None, description="its SeriesInstanceUID"
    )


ImagePath = Path | Series
"""A file or folder, or a folder with the series of it that is meant."""


@dataclass(frozen=True)
class Source:
    """One image as a patient file names it.

    Attributes
    ----------
    key : str
        Dotted key in the patient file.
    path : Path
        Absolute.
    series : str or None
        SeriesInstanceUID where a folder holds several.
    """

    key: str
    path: Path
    series: str | None = None

    @classmethod
    def of(cls, key: str, given: ImagePath) -> Source:
        """What stands under a key."""
        if isinstance(given, Series):
            return cls(key, given.path, given.series)
        return cls(key, given)

    @property
    def dicom(self) -> bool:
        """Whether it is a folder or a file of DICOM; nothing is opened."""
        return self.series is not None or is_dicom(self.path)
