"""The sentences beside the intervals say what restricts them, first of all."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from gbm.io.files import read_sealed, write_npz, write_sealed
from gbm.io.layout import arrays
from gbm.report.certainty import certainty
from gbm.report.methods_text import methods
from gbm.results.patient_result import read_result
from gbm.results.posterior_record import FLAGS
from gbm.steps.metrics import run as step_metrics
from tests.gbm.report.test_other_pages import read
from tests.gbm.report.test_patient_page import report, sound


def said(bundle: Any) -> list[str]:
    step_metrics(bundle.job)
    return certainty(read_result(bundle.files.params))


def test_what_an_interval_means_and_does_not(bundle: Any) -> None:
    meaning, scatter, beyond = said(bundle)
    assert "errors of 2.3 (WT) and 1.2 (TC) mm, up to twice as much where the model" in meaning
    assert "1.3 times what a first fit misses them by where its front is steep" in meaning
    assert (
        "at least 1.2 mm; the most probable model misses them by 1.8 (WT) and 0.7 (TC) mm"
        in meaning
    )
    assert "82\xa0% of the samples" in meaning
    assert meaning.endswith("solution by finite volumes; no network is asked.")
    # sd of 5.02 exp(.2 k), k = -1, 0, 1, and of the samples of lambda
    assert (
        "the posterior's modes on 3 slices (sd of λ 1.01 mm between slices, 1.16 mm from the"
        in scatter
    )
    assert beyond.startswith("Not in the intervals: errors of the tissue maps")


def test_the_noise_is_that_of_the_settings(bundle: Any) -> None:
    bundle.settings["uncertainty"]["noise"] = {"floor_mm": 2.0, "factor": 1.7}
    assert "1.7 times what a first fit misses them by" in said(bundle)[0]
    assert "at least 2 mm" in said(bundle)[0]


def test_an_outline_that_was_not_compared_is_missed_by_no_number(bundle: Any) -> None:
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"misfit_mm": {"WT": 1.8}})
    assert "model misses them by 1.8 (WT) mm" in said(bundle)[0]


def test_samples_that_were_replaced_are_said_to_be(bundle: Any) -> None:
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"effective_sample_size": 0.06})
    meaning = said(bundle)[0]
    assert "(of the first samples 6\xa0% counted, so the solver itself was sampled)" in meaning
    assert "effective sample size" not in meaning
    told = " ".join(methods(read_result(bundle.files.params)))
    assert "that solves by finite volumes for every step; 200 samples are kept." in told
    assert "volumes and weighted" not in told


def test_samples_of_the_solver_have_no_weights_to_speak_of(bundle: Any) -> None:
    """Where the model was given up for another reason, many of its samples may have counted."""
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"sampler": "solver"})
    meaning = said(bundle)[0]
    assert "(no model was as wide as its samples, so the solver itself was sampled)" in meaning
    assert "effective sample size" not in meaning
    told = read_result(bundle.files.params).uncertainty
    assert told is not None
    assert told.effective_sample_size is None


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_is_the_first_sentence(bundle: Any, flag: str) -> None:
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"flags": [flag]})
    sentences = said(bundle)
    assert len(sentences) == 4
    assert sentences[0].lower() == f"{FLAGS[flag]}.".lower()
    assert sentences[0][0].isupper()


def test_few_slices_are_said_to_be_few(bundle: Any) -> None:
    few = read_sealed(bundle.files.slices)["slices"][:2]
    write_sealed(bundle.files.slices, {"slices": few})
    assert said(bundle)[1].startswith("The intervals are those of this slice")
    told = " ".join(methods(read_result(bundle.files.params)))
    assert "stretched" not in told


def test_a_volume_needs_no_slices(volume_bundle: Any) -> None:
    assert said(volume_bundle)[1] == "The intervals are those of the whole tumour."


def test_a_page_without_an_interval_says_why(bundle: Any) -> None:
    write_npz(arrays(bundle.files.posterior))
    write_sealed(bundle.files.posterior, {"reason": "all of every outline lies at walls"})
    text = report(bundle)
    sound(text)
    shown = unescape(read(text))
    assert "There are no intervals: all of every outline lies at walls." in shown
    assert "90 %" not in shown
    assert "λ = 5.0 mm; its growth" in shown
    drawn = {path.stem for path in bundle.files.figures.glob("*.svg")}
    assert not drawn & {"posterior", "infiltration"}
    assert "affine-invariant" not in " ".join(methods(read_result(bundle.files.params)))


def test_a_page_for_which_none_were_asked_says_so(bundle: Any) -> None:
    bundle.settings["uncertainty"]["enabled"] = False
    shown = unescape(read(report(bundle)))
    assert "No intervals were asked for (uncertainty.enabled: false)." in shown
    assert "90 %" not in shown


def test_the_page_leads_with_median_and_interval(reported: Any) -> None:
    bundle = reported("slice")
    text = bundle.files.page.read_text()
    sound(text)
    shown = unescape(read(text))
    # 4.8 exp(± 1.845 sqrt(.2^2 + .2^2 / 1.4)) and 6.2 exp(± 1.845 sqrt(.1^2 + .1^2 / 1.4))
    assert "the width λ = 4.8 mm (90 % 3.0 to 7.8); its growth over" in shown
    assert "ρT = 6.2 (90 % 4.9 to 7.9)" in shown
    assert "The fit itself found λ = 5.0 mm, ρT = 6.0, D·T = 150 mm²" in shown
    rows = "posterior, median 67 4.5 228 8.5 5 % 54 3.6 185 6.9 95 % 79 5.3 272 10.1"
    assert rows in shown
    drawn = {path.stem for path in bundle.files.figures.glob("*.svg")}
    assert {"posterior", "infiltration"} <= drawn
    assert "with the fits and the modes of the posterior on neighbouring slices" in shown
    # the slice is 40 mm up, and knows of no other origin
    assert re.search(r"-?[\d.]+ to -?[\d.]+; -?[\d.]+ to -?[\d.]+; –", shown)
    told = " ".join(methods(read_result(bundle.files.params)))
    assert "greater of 1.2 mm and 1.3 times the misfit of a first mode" in told
    assert "200 samples are solved by finite volumes" in told
    assert "scatter of its modes on neighbouring slices" in told
