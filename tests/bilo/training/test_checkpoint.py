"""Checkpoints: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bilo.training import checkpoint

TREE = {
    "numbers": [1, 2.5, True, None, "text"],
    "pair": (0.95, 0.95),
    "state": {0: {"step": 3, "GG": [torch.arange(6.0).reshape(2, 3), None]}, 1: {}},
    "generator": torch.Generator().manual_seed(3).get_state(),
    "double": torch.tensor([1 / 3], dtype=torch.float64),
}


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


def test_a_tree_survives_to_the_bit(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "deep/er/run.safetensors", TREE)
    found = checkpoint.load(tmp_path / "deep/er/run.safetensors")
    assert _same(found, TREE)


def test_a_view_is_stored_as_what_it_shows(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    checkpoint.save(tmp_path / "run", {"column": whole[:, 1], "again": whole[:, 1]})
    found = checkpoint.load(tmp_path / "run")
    assert found is not None
    assert found["column"].tolist() == found["again"].tolist() == [1.0, 5.0, 9.0]


def test_the_order_of_axes_in_memory_is_kept(tmp_path: Path) -> None:
    turned = torch.arange(24.0).reshape(2, 3, 4).permute(1, 2, 0)
    checkpoint.save(tmp_path / "run", {"turned": turned})
    found = checkpoint.load(tmp_path / "run")
    assert found is not None
    assert torch.equal(found["turned"], turned)
    assert found["turned"].stride() == turned.stride()


def test_objects_are_refused_and_leave_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "run"
    checkpoint.save(file, {"step": 1})
    with pytest.raises(TypeError, match=r"cannot hold a \w*Path"):
        checkpoint.save(file, {"step": 2, "where": tmp_path})
    assert checkpoint.load(file) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "foreign", "absent"])
def test_what_is_no_checkpoint_is_none(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "run"
    checkpoint.save(file, TREE)
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        file.write_text("no checkpoint at all\n" * 10)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "foreign":
        torch.save({"step": 1}, file)
    else:
        file.unlink()
    assert checkpoint.load(file) is None
