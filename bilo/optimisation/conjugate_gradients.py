"""Linear systems of a symmetric positive definite matrix that is known by its products alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
"""v -> A v."""


def conjugate_gradients(A: Product, b: Tensor, tolerance: float, most: int) -> Tensor:
    """x with |A x - b| <= tolerance |b|, or what `most` iterations come to.

    Every iterate lowers x.A x / 2 - b.x, so that a step which ends early still descends.

    Reference: Hestenes and Stiefel 1952, J. Res. Natl. Bur. Stand. 49.
    """
    x, left = torch.zeros_like(b), b.clone()
    along, size = left.clone(), float(left @ left)
    enough = tolerance**2 * size
    for _ in range(most):
        if size <= enough:
            break
        A_along = A(along)
        part = size / float(along @ A_along)
        x += part * along
        left -= part * A_along
        before, size = size, float(left @ left)
        along = left + size / before * along
    return x


def largest_eigenvalue(A: Product, start: Tensor, iterations: int) -> float:
    """By power iteration: from below, and near enough for a damping relative to it."""
    v, size = start, 0.0
    for _ in range(iterations):
        length = float(v.norm())
        if not length:
            break
        v = A(v / length)
        size = float(v.norm())
    return size
