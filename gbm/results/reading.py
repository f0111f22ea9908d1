"""Results read back: of this version, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from gbm.config.errors import InputError
from gbm.config.model import Model
from gbm.io.files import EDITED, read_json, seal
from gbm.version import __version__

M = TypeVar("M", bound=Model)


def read_model(model: type[M], path: Path, what: str, command: str) -> M:
    """Read a written result.

    Parameters
    ----------
    model : type
    path : Path
    what : str
        What the file holds, for the message.
    command : str
        What makes it again.

    Raises
    ------
    InputError
        If it is none of this version, is damaged, or was edited since it was written.
    """
    values = read_json(path)
    try:
        found = model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"not a {what} of this version, {__version__} ({first['msg']}): delete it, and "
            f"{command} makes it again",
            file=path,
            key=".".join(map(str, first["loc"])) or None,
        ) from None
    if values["digest"] != seal(values):
        raise InputError(f"{EDITED}: delete it, and {command} makes it again", file=path)
    return found
