"""Pages that tests read and leave as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.gbm.conftest import (
    FITS,
    MAIN_FITS,
    Bundle,
    assemble,
    ball_domain,
    disc_domain,
    without_networks,
)
from tests.gbm.report.test_patient_page import report


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """Synthetic patients with their page, each made once.

    A "slice" or a "volume", or either "without network".
    """

    @cache
    def made(name: str) -> Bundle:
        flat = name.startswith("slice")
        domain, fits = (disc_domain(), FITS) if flat else (ball_domain(), MAIN_FITS)
        bundle = assemble(tmp_path_factory.mktemp("reported") / "gbm", domain, fits)
        if name.endswith("without network"):
            without_networks(bundle)
        report(bundle)
        return bundle

    return made
