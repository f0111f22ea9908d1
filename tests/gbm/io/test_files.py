"""Files of the results that were cut or edited are refused, with their name and the way out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.domain.domain import load_domain
from gbm.io.files import read_json, read_npz, read_sealed, write_json, write_npz, write_sealed
from gbm.io.lock import hold


@pytest.mark.parametrize("length", [0, 10, 2000, 39_000])
def test_a_cut_npz_is_named(length: int, tmp_path: Path) -> None:
    file = tmp_path / "desc-domain.npz"
    write_npz(file, P=np.random.default_rng(0).random((70, 70)))
    whole = file.read_bytes()
    assert len(whole) > 36_000
    file.write_bytes(whole[:length] if length < len(whole) else whole[:-1])
    for read in (read_npz, load_domain):
        with pytest.raises(InputError) as told:
            read(file)
        assert str(told.value) == f"{file}: is damaged: delete it and type the command again"


def test_a_damaged_array_inside_is_named(tmp_path: Path) -> None:
    file = tmp_path / "u.npz"
    write_npz(file, u=np.random.default_rng(0).random(9000))
    content = bytearray(file.read_bytes())
    content[4000:4100] = bytes(100)
    file.write_bytes(content)
    with pytest.raises(InputError, match="is damaged: delete it"):
        read_npz(file)


@pytest.mark.parametrize("text", ["", '{"rhoT": 1.', "\x80"])
def test_a_cut_json_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "fit.json"
    file.write_text(text, encoding="latin-1")
    for read in (read_json, read_sealed):
        with pytest.raises(InputError) as told:
            read(file)
        assert str(told.value) == f"{file}: is damaged: delete it and type the command again"


def test_an_edited_record_is_refused_and_a_reformatted_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "fit.json"
    record = {"rhoT": 1.88, "lambda_mm": 0.1 + 0.2, "gap": float("nan"), "warnings": ("é",)}
    write_sealed(file, record)
    read = read_sealed(file)
    assert read == {"rhoT": 1.88, "lambda_mm": 0.1 + 0.2, "gap": None, "warnings": ["é"]}
    file.write_text(json.dumps(dict(reversed(read_json(file).items()))))
    assert read_sealed(file) == read
    for values in (read_json(file) | {"rhoT": 33.3}, read, [1]):
        write_json(file, values)
        with pytest.raises(InputError, match="was edited by hand since it was made: delete it"):
            read_sealed(file)


def test_a_lock_is_one_s_own(tmp_path: Path) -> None:
    lock = hold(tmp_path / "results/.lock", "output.root")
    with pytest.raises(InputError, match=r"output.root: another command .*\(process \d+ on .*\)"):
        hold(tmp_path / "results/.lock", "output.root")
    lock.close()
    hold(tmp_path / "results/.lock", "output.root").close()
    (tmp_path / ".lock").mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        hold(tmp_path / ".lock", "output.root")
