"""The one exception a user is meant to see."""

from __future__ import annotations

from pathlib import Path


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
    """

    def __init__(self, message: str, *, file: Path | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.key = key

    def __str__(self) -> str:
        """Return ``file: key: message`` with the parts that are known."""
        return self._with(self.file)

    @property
    def brief(self) -> str:
        """The same with the file's name alone, for logs and pages: folders may name a person."""
        return self._with(self.file and self.file.name)

    def _with(self, file: Path | str | None) -> str:
        parts = [str(part) for part in (file, self.key) if part is not None]
        return ": ".join([*parts, self.message])

    def __reduce__(self) -> tuple[object, ...]:
        """Keep file and key when the error crosses a process boundary."""
        return (_rebuild, (self.message, self.file, self.key))


def _rebuild(message: str, file: Path | None, key: str | None) -> InputError:
    return InputError(message, file=file, key=key)
