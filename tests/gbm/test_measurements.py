"""The measurements behind the figures of the docs still run: they follow the steps by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gbm.config.settings import Settings
from tests.gbm import slices


@pytest.mark.slow
def test_the_verdict_of_a_phantom(tmp_path: Path) -> None:
    """With a network too small and too short to be right; the direct fit is the real one."""
    job, truth = slices.prepare_phantom("small-core-3", tmp_path)
    fit = {"pretrain_steps": 5, "finetune_steps": 5, "width": 8, "layers": 1, "points": 64}
    short = {"fit": fit | {"device": "cpu"}, "verify": {"refine": 1}}
    settings = Settings.model_validate(slices.NO_INTERVALS | short)
    result = slices.fitted(replace(job, settings=settings))
    row = slices.line("small-core-3", result, truth)
    assert result.status == "disagreement"
    assert "d ln lambda_mm" in row
    assert result.verdict.colour in row
