"""The page in a browser without a network: nothing asked for, no complaint, soon there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tests.browser import chromium
from tests.gbm.report.test_patient_page import report


@pytest.fixture
def page(bundle: Any, tmp_path: Path) -> Path:
    domain = bundle.domain
    volume = np.where(domain.phi[..., None] > 0.5, 40 + 5 * np.arange(7), 0).astype(np.float32)
    affine = domain.affine.copy()
    affine[2, 3] -= 3
    nib.save(nib.Nifti1Image(volume, affine), tmp_path / "t1c.nii.gz")
    report(bundle, images={"t1c": tmp_path / "t1c.nii.gz"})
    return bundle.root / "sub-p1.html"


def test_viewer_opens_offline_without_a_complaint(page: Path, tmp_path: Path) -> None:
    assert page.stat().st_size < 15e6
    with chromium(tmp_path / "profile") as browser:
        first_paints = []
        for _ in range(3):  # other programs may keep the machine busy
            browser.open(page)
            browser.wait_for("window.largestPaint !== null")
            first_paints.append(browser.evaluate("window.largestPaint"))
        assert min(first_paints) < 2000  # ms
        assert browser.evaluate("document.getElementById('viewer').dataset.state") == "waiting"
        browser.evaluate("document.getElementById('viewer').scrollIntoView()")
        browser.wait_for("document.getElementById('viewer').dataset.state !== 'waiting'")
        assert browser.evaluate("document.getElementById('viewer').dataset.state") == "open"
        said = browser.evaluate("document.querySelector('#viewer output').textContent")
        # The viewer opens at the inferred origin, in the core, where the density is one.
        assert said == "15, 25, 40 mm (RAS) · white matter · tumour core · density 1.00"
        browser.evaluate(MOVE_OPACITY)
        browser.wait_for("window.reds[0] !== window.reds[1]")
        assert browser.complaints == []
        assert {address.split(":")[0] for address in browser.requests} <= {"file", "data", "blob"}


MOVE_OPACITY = """(() => {
  const canvas = document.querySelector('#viewer canvas'), gl = canvas.getContext('webgl2');
  const slider = document.querySelector('#viewer input[type=range]');
  window.reds = [];
  for (const level of [0, 100]) {
    slider.value = level;
    slider.dispatchEvent(new Event('input'));
    const pixels = new Uint8Array(4 * canvas.width * canvas.height);
    gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    window.reds.push(pixels.reduce((sum, value, n) => (n % 4 ? sum : sum + value), 0));
  }
})()"""
"""Sums of red over the canvas with the overlays clear and opaque."""


def test_without_webgl_the_picture_stays(page: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", "--disable-3d-apis") as browser:
        browser.open(page)
        browser.evaluate("document.getElementById('viewer').scrollIntoView()")
        browser.wait_for("document.getElementById('viewer').dataset.state === 'closed'")
        assert "no WebGL 2" in browser.evaluate(
            "document.querySelector('#viewer output').textContent"
        )
        seen = "document.querySelector('#viewer figure img').getBoundingClientRect().height"
        assert browser.evaluate(seen) > 50
        assert browser.complaints == []
