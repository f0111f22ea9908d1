"""Settings on the command line: ``--set KEY=VALUE`` with a dotted key and a value in YAML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from gbm.command.workflow import snakefile
from gbm.config.errors import InputError
from gbm.config.loading import load_settings
from gbm.config.merging import merge
from gbm.config.yaml_file import read_yaml

OWN_OPTIONS = {
    "patients": "patient files are named without --set",
    "patient": "a patient is described in a file",
    "output": "the folder of the results is named by --out",
}


def overrides(words: Iterable[str]) -> dict[str, Any]:
    """Nested settings of ``KEY=VALUE`` words, checked; of one key the last counts.

    >>> overrides(["fit.seeds=[0, 1]", "fit.method=bilo", "dimensions=3"])
    {'fit': {'seeds': [0, 1], 'method': 'bilo'}, 'dimensions': 3}

    Raises
    ------
    InputError
        Where a word has no ``=``, its value is no YAML, or settings refuse it.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        key = key.strip()
        if not equals or not all(key.split(".")):
            raise InputError(f"--set {word}: must be KEY=VALUE, such as fit.method=direct")
        section = key.split(".")[0]
        if section in OWN_OPTIONS:
            raise InputError(f"--set: {OWN_OPTIONS[section]}", key=key)
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"--set: {text!r} is not valid YAML", key=key) from None
        for part in reversed(key.split(".")):
            value = {part: value}
        found = merge(found, value)
    load_settings(merge(read_yaml(snakefile().with_name("config.yaml")), found))
    return found
