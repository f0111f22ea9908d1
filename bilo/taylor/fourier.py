"""Fourier features as jets."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.taylor import tanh_streams
from bilo.taylor.streams import Streams


def fourier_features(x: Tensor, B: Tensor, streams: Streams) -> Tensor:
    """sin(B x) and cos(B x) of input jets.

    Parameters
    ----------
    x : Tensor (1 + m, P, N, k)
    B : Tensor (n, k)
        Frequencies.

    Returns
    -------
    Tensor (1 + m, P, N, 2 n)
    """
    y = x @ B.t()
    s, c = y[0, 0].sin(), y[0, 0].cos()
    pairs = tanh_streams.pairs_of(streams)
    waves = [tanh_streams.compose(y, f, pairs) for f in ((s, c, -s, -c), (c, -s, -c, s))]
    return torch.cat(waves, -1)
