"""From a patient's tumour segmentation and MRI to verified growth parameters.

The medical half of the project. It knows nothing of Snakemake: every step is a function. Importing
this package imports no heavy dependency: it is a face for users, whose names are imported from
their homes when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gbm.version import __version__

if TYPE_CHECKING:
    from gbm.config.errors import InputError
    from gbm.config.loading import load_patient
    from gbm.config.settings import Settings
    from gbm.domain.build import build_domain
    from gbm.growth.verification import verify
    from gbm.network_fit.tumour_fit import TumourFit, fit_tumour
    from gbm.posterior.by_objective import direct_fit
    from gbm.results.patient_result import PatientResult
    from gbm.running import run_patient

__all__ = [
    "InputError",
    "PatientResult",
    "Settings",
    "TumourFit",
    "__version__",
    "build_domain",
    "direct_fit",
    "fit_tumour",
    "load_patient",
    "run_patient",
    "verify",
]

_HOMES = {
    "InputError": "gbm.config.errors",
    "PatientResult": "gbm.results.patient_result",
    "Settings": "gbm.config.settings",
    "TumourFit": "gbm.network_fit.tumour_fit",
    "build_domain": "gbm.domain.build",
    "direct_fit": "gbm.posterior.by_objective",
    "fit_tumour": "gbm.network_fit.tumour_fit",
    "load_patient": "gbm.config.loading",
    "run_patient": "gbm.running",
    "verify": "gbm.growth.verification",
}


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
