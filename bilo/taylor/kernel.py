"""The fused elementwise kernel: built from C at first use, cached, optional.

A C compiler (`$CC`, `cc`, `gcc` or `clang`) is used where there is one; without it the engine runs
on plain tensor operations, a step takes about 1.6 times as long, and it says so once in the log.
`BILO_KERNEL=0` switches the kernel off.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bilo.taylor.workspace import workspace

if TYPE_CHECKING:
    from bilo.taylor.tanh_streams import Pairs

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("tanh_streams.c")
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
SUFFIX = {torch.float32: "f32", torch.float64: "f64"}


class FusedKernel:
    """The shared library behind `tanh_streams`, on contiguous CPU tensors."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, size = ctypes.c_void_p, ctypes.c_long
        common = [size] * 5 + [pointer] * 2
        self._forward, self._adjoint = {}, {}
        for dtype, suffix in SUFFIX.items():
            self._forward[dtype] = getattr(library, f"tanh_streams_{suffix}")
            self._forward[dtype].argtypes = [pointer, pointer, *common]
            self._adjoint[dtype] = getattr(library, f"tanh_streams_adjoint_{suffix}")
            self._adjoint[dtype].argtypes = [pointer, pointer, size, pointer, pointer, *common]
        self._packed: tuple[Pairs, Tensor, ctypes.Array[ctypes.c_long]] | None = None

    def forward(self, y: Tensor, pairs: Pairs) -> Tensor:
        """Jets of tanh, (1 + m, P, n, H)."""
        z = workspace.take(y.shape, y)
        self._forward[y.dtype](y.data_ptr(), z.data_ptr(), *self._common(z, pairs))
        return z

    def adjoint(
        self, y: Tensor, g: Tensor, pairs: Pairs, direction: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gradient by y in the place of g, and z, (1 + m, P, n, H)."""
        z = workspace.take(g.shape, g)
        along = None if direction is None else direction.data_ptr()
        arrays = y.data_ptr(), along, len(y) - 1, g.data_ptr(), z.data_ptr()
        self._adjoint[y.dtype](*arrays, *self._common(z, pairs))
        return g, z

    def _common(self, z: Tensor, pairs: Pairs) -> tuple[object, ...]:
        """Sizes and pairs; these are the same for all layers, and kept for the next."""
        t, p, n, h = z.shape
        shape = (len(pairs), t, n)
        kept = self._packed
        if (
            kept is None
            or kept[0] is not pairs
            or kept[1].shape != shape
            or kept[1].dtype != z.dtype
        ):
            weights = z.new_zeros(shape)
            for row, (_, _, _, w) in zip(weights, pairs, strict=True):
                if isinstance(w, Tensor):
                    row[: len(w)] = w[:t]
                else:
                    row[0] = w
            indices = (ctypes.c_long * (3 * len(pairs)))(*(k for pair in pairs for k in pair[:3]))
            self._packed = kept = pairs, weights, indices
        return t, p, n, h, len(pairs), kept[2], kept[1].data_ptr()


_unused = 0


@contextlib.contextmanager
def unused() -> Iterator[None]:
    """Run the engine on plain tensor operations, as it runs without a compiler."""
    global _unused
    _unused += 1
    try:
        yield
    finally:
        _unused -= 1


def load() -> FusedKernel | None:
    """The kernel, built if need be; None without a compiler, with BILO_KERNEL=0 or `unused`."""
    return None if _unused else _built()


@functools.cache
def _built() -> FusedKernel | None:
    if os.environ.get("BILO_KERNEL") == "0":
        return None
    compiler = next(
        filter(None, map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang"))), None
    )
    if compiler is None:
        log.warning("no C compiler found: the derivative engine runs without its fused kernel")
        return None
    try:
        return FusedKernel(ctypes.CDLL(str(_build(compiler))))
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("fused kernel not built (%s): the derivative engine runs without it", error)
        return None


def _build(compiler: str) -> Path:
    """Compile into a private cache; the name holds source, flags, compiler and processor."""
    identity = [SOURCE.read_text(), *FLAGS, compiler, platform.machine(), _processor()]
    digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bilo"
    target = cache / f"tanh_streams-{digest}.so"
    if not target.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = Path(folder) / target.name
            subprocess.run(
                [compiler, *FLAGS, str(SOURCE), "-o", str(built)], check=True, capture_output=True
            )
            built.replace(target)
    return target


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))
