"""Importance weights of samples that were drawn from an approximation of the wanted density."""

from __future__ import annotations

import numpy as np


def truncated_weights(log_ratio: np.ndarray) -> np.ndarray:
    """Normalised weights (N,) from log p - log q (N,), cut at sqrt(N) times their mean.

    The cut bounds the variance at the price of a bias that vanishes with N (Ionides 2008).

    Raises
    ------
    ValueError
        If no sample has a positive density.

    >>> truncated_weights(np.log([1.0, 1.0, 2.0])).round(2).tolist()
    [0.25, 0.25, 0.5]
    """
    if not np.isfinite(np.max(log_ratio)):
        raise ValueError("no sample lies where the density is positive")
    w = np.exp(log_ratio - np.max(log_ratio))
    w = np.minimum(w, w.mean() * np.sqrt(len(w)))
    return np.asarray(w / w.sum())


def effective_share(weights: np.ndarray) -> float:
    """Effective sample size 1 / sum w^2 of normalised weights, as a share of their number.

    >>> effective_share(np.full(4, 0.25))
    1.0
    """
    return float(1.0 / np.sum(weights**2) / len(weights))
