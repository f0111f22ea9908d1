"""YAML files of the user: plain values under keys, each key once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gbm.config.errors import InputError
from gbm.config.existing import require_file

MOST_BYTES = 2**20
"""A larger file is an image, or something else that somebody took for YAML."""


class _Loader(yaml.SafeLoader):
    """Plain YAML in which a key that stands twice is a fault: one of its values would be lost."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                text = f"the key {key.value!r} stands twice"
                raise yaml.MarkedYAMLError(problem=text, problem_mark=key.start_mark)
            seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    InputError
        If there is no such file, or it is too large, is no YAML, is no mapping, refers to itself or
        holds a key twice.
    """
    path = Path(path)
    require_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise InputError("is larger than 1 MB: it is no file of settings", file=path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    except RecursionError as error:
        raise InputError("is nested too deeply, or refers to itself", file=path) from error
    except (ValueError, AttributeError, yaml.YAMLError) as error:  # all are those of bad YAML
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark is not None else ""
        twice = getattr(error, "problem", None) or ""
        why = f": {twice}" if "stands twice" in twice else ""
        raise InputError(f"is not valid YAML{place}{why}", file=path) from error
    if not isinstance(content, dict):
        raise InputError("must hold keys and values, with `patient:` at the top", file=path)
    return content
