"""Checkpoints without pickle: tensors in safetensors, everything else as JSON beside them.

The order of a tensor's axes in memory is kept: a matrix product rounds differently on a transposed
copy, and a resumed fit must end on the bits of one that was never interrupted.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Any]


def save(path: Path, state: State) -> None:
    """Write a tree of dicts, lists, numbers, strings and tensors, atomically.

    Raises
    ------
    TypeError
        If the tree holds anything else.
    OSError
        If the file cannot be written; an older one is left as it was.
    """
    tensors: dict[str, Tensor] = {}
    tree = _pack(state, tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, part, metadata={"tree": json.dumps(tree)})
        os.replace(part, path)
    except SafetensorError as error:  # such as that of a full disk, without the name of the file
        raise OSError(f"cannot write {path} ({error})") from error
    finally:
        part.unlink(missing_ok=True)


def load(path: Path) -> State | None:
    """Read a tree back; None where there is no file or it is no checkpoint."""
    try:
        with safe_open(path, framework="pt") as stored:
            tree = json.loads((stored.metadata() or {})["tree"])
            return _unpack(tree, {name: stored.get_tensor(name) for name in stored.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def _pack(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, Tensor):
        name, tensor = str(len(tensors)), node.detach().cpu()
        strides = tensor.stride()
        order = sorted(range(tensor.ndim), key=lambda axis: -strides[axis])
        tensors[name] = tensor.permute(order).contiguous().clone()
        return {"tensor": [name, order]}
    if isinstance(node, dict):
        return {"dict": [[_pack(k, tensors), _pack(v, tensors)] for k, v in node.items()]}
    if isinstance(node, (list, tuple)):
        return {"list" if isinstance(node, list) else "tuple": [_pack(v, tensors) for v in node]}
    if node is None or isinstance(node, (bool, int, float, str)):
        return node
    raise TypeError(f"a checkpoint cannot hold a {type(node).__name__}")


def _unpack(node: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    (kind, value), *_ = node.items()
    if kind == "tensor":
        name, order = value
        back = [order.index(axis) for axis in range(len(order))]
        return tensors[name].permute(back).clone()
    if kind == "dict":
        return {_unpack(k, tensors): _unpack(v, tensors) for k, v in value}
    items = [_unpack(v, tensors) for v in value]
    return items if kind == "list" else tuple(items)
