"""Settings on the command line, and their faults in words."""

from __future__ import annotations

import pytest

from gbm.command.overrides import overrides
from gbm.config.errors import InputError


def test_values_are_yaml_under_dotted_keys() -> None:
    words = ["fit.seeds=[0, 1]", "objective.thresholds.WT=0.3", "fit.seeds=[2]", " slice.index = 7"]
    assert overrides(words) == {
        "fit": {"seeds": [2]},
        "objective": {"thresholds": {"WT": 0.3}},
        "slice": {"index": 7},
    }


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fit.seeds", "--set fit.seeds: must be KEY=VALUE, such as fit.method=direct"),
        ("=3", "--set =3: must be KEY=VALUE"),
        ("fit..seeds=[0]", "--set fit..seeds=[0]: must be KEY=VALUE"),
        ("fit.sedes=[0]", "fit.sedes: unknown key; did you mean 'seeds'?"),
        ("grwoth={h0: 0.2}", "grwoth: unknown key; did you mean 'growth'?"),
        ("dimensions=4", "dimensions: "),
        ("fit.seeds=[0", "fit.seeds: --set: '[0' is not valid YAML"),
        ("fit=direct", "fit: must hold keys and values (given: 'direct')"),
        ("fit.seeds=0", "fit.seeds: must be a list (given: 0)"),
        ("fit.seeds=[]", "fit.seeds: has too few entries"),
        ("bounds.rhoT=[1, 20, 40]", "bounds.rhoT: has too many entries"),
        ("output.root=here", "output.root: --set: the folder of the results is named by --out"),
        ("patients=p*.yaml", "patients: --set: patient files are named without --set"),
    ],
)
def test_a_fault_names_its_key(word: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        overrides([word])
    assert str(caught.value).startswith(said)
