"""The one exception a user is meant to see."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
"""Of files that hold a patient's name more often than not."""


def is_dicom(path: Path) -> bool:
    """Whether a path is, by its name or because it is a folder, one of DICOM; nothing is opened."""
    name = path.name.lower()
    return name.endswith(DICOM_SUFFIXES) or (
        os.path.isdir(path) and not name.endswith((".nii", ".nii.gz"))
    )


def public_name(path: Path) -> str:
    """A file as logs and pages call it: its name alone, of DICOM a digest of its path.

    >>> public_name(Path("/scans/t1.nii.gz")), public_name(Path("/scans/Doe_John.dcm"))
    ('t1.nii.gz', 'DICOM input b3ed31a3')
    """
    if is_dicom(path) or not path.suffix:
        return f"DICOM input {hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    return path.name


class InputError(ValueError):
    """Something the user gave is wrong; the message names the file and the dotted key.

    Parameters
    ----------
    message : str
        What is wrong and, where it is short to say, what to do about it.
    file : Path, optional
        The file at fault (a patient file, a config or an image).
    key : str, optional
        The dotted key at fault, such as ``patient.tissue.wm``.
    given : str, optional
        What was given instead, in words.
    """

    def __init__(
        self,
        message: str,
        *,
        file: Path | None = None,
        key: str | None = None,
        given: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.given = given
        self.file = file
        self.key = key

    def __str__(self) -> str:
        """Return ``file: key: message`` with the parts that are known."""
        return self._with(self.file) + (f" (given: {self.given})" if self.given else "")

    @property
    def brief(self) -> str:
        """For logs and pages: without what was given and the folders, which may name a person."""
        return self._with(self.file and public_name(self.file))

    def _with(self, file: Path | str | None) -> str:
        parts = [str(part) for part in (file, self.key) if part is not None]
        return ": ".join([*parts, self.message])

    def __reduce__(self) -> tuple[object, ...]:
        """Keep file and key when the error crosses a process boundary."""
        return (_rebuild, (self.message, self.file, self.key, self.given))


def _rebuild(message: str, file: Path | None, key: str | None, given: str) -> InputError:
    return InputError(message, file=file, key=key, given=given)
