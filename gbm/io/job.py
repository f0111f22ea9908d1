"""What a step of one patient is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gbm.config.loading import load_patient
from gbm.config.patient import Patient
from gbm.config.settings import Settings
from gbm.io.layout import Layout


@dataclass(frozen=True)
class Job:
    """One patient, its settings and its files.

    Attributes
    ----------
    file : Path or None
        The patient file; None for steps that look at the domain alone.
    settings : Settings
        Those that the step depends on; all others are the defaults.
    files : Layout
        Where results of other steps are and its own go.
    threads : int
    """

    file: Path | None
    settings: Settings
    files: Layout
    threads: int = 1

    @classmethod
    def of(
        cls, file: str | None, settings: Mapping[str, Any], files: Layout, threads: int = 1
    ) -> Job:
        """A job from plain values."""
        path = None if file is None else Path(file)
        return cls(path, Settings.model_validate(settings), files, threads)

    @cached_property
    def patient(self) -> Patient:
        """What the patient file says, read and validated once."""
        assert self.file is not None
        return load_patient(self.file)

    @property
    def registered(self) -> bool:
        """Whether the atlas is registered; not where the patient brings tissue maps."""
        return not self.patient.tissue.given
