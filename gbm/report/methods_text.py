"""The method in a few paragraphs, with the settings of this run, for reuse in a publication."""

from __future__ import annotations

from gbm.config.objective_settings import ObjectiveSettings
from gbm.domain.fitted_grid import MARGIN_MM
from gbm.posterior.correlation import SHARED
from gbm.report.certainty import of_the_solver
from gbm.report.formatting import num
from gbm.report.words import WORDS
from gbm.results.patient_result import FittedPlane, PatientResult

SOURCES = (
    "Avants B. et al. 2008. Symmetric diffeomorphic image registration with cross-correlation. "
    "Medical Image Analysis 12, 26–41.",
    "Bakas S. et al. 2017. Advancing The Cancer Genome Atlas glioma MRI collections with expert "
    "segmentation labels and radiomic features. Scientific Data 4, 170117.",
    "Fonov V. et al. 2011. Unbiased average age-appropriate atlases for pediatric studies. "
    "NeuroImage 54, 313–327.",
    "Goodman J., Weare J. 2010. Ensemble samplers with affine invariance. Communications in "
    "Applied Mathematics and Computational Science 5, 65–80.",
    "Harpold H., Alvord E., Swanson K. 2007. The evolution of mathematical modeling of glioma "
    "proliferation and invasion. Journal of Neuropathology and Experimental Neurology 66, 1–9.",
    "Li X., Lowengrub J., Rätz A., Voigt A. 2009. Solving PDEs in complex geometries: a diffuse "
    "domain approach. Communications in Mathematical Sciences 7, 81–107.",
    "Lowekamp B. et al. 2013. The design of SimpleITK. Frontiers in Neuroinformatics 7, 45.",
    "Mattes D. et al. 2003. PET-CT image registration in the chest using free-form deformations. "
    "IEEE Transactions on Medical Imaging 22, 120–128.",
    "Menze B. et al. 2015. The multimodal brain tumor image segmentation benchmark (BRATS). IEEE "
    "Transactions on Medical Imaging 34, 1993–2024.",
    "Tustison N. et al. 2010. N4ITK: improved N3 bias correction. IEEE Transactions on Medical "
    "Imaging 29, 1310–1320.",
    "Zhang R. Z., Xie X., Lowengrub J. 2024. BiLO: bilevel local operator learning for PDE inverse "
    "problems. arXiv:2404.17789.",
)
"""What the paragraphs name by author and year; the last where there is a network."""


def sources(result: PatientResult) -> tuple[str, ...]:
    """Those that the paragraphs of a result name."""
    return SOURCES[:-1] if result.method == "direct" else SOURCES


def methods(result: PatientResult) -> list[str]:
    """Paragraphs of the method boilerplate."""
    settings = result.settings
    tissue, growth, words = settings.tissue, settings.growth, WORDS[result.dimensions]
    given = any(item.key.startswith("patient.tissue") for item in result.inputs)
    atlas = (
        "MNI152 2009a symmetric (Fonov et al. 2011)"
        if tissue.atlas == "mni152"
        else "a user-defined atlas"
    )
    maps = (
        "Tissue probability maps were given with the patient."
        if given
        else f"Tissue maps of {atlas} were registered to the patient "
        f"({_registered(result)}, in SimpleITK, Lowekamp et al. 2013, from several starts; tumour "
        f"excluded, {tissue.registration}; N4 bias correction first, Tustison et al. 2010) "
        "and refined by a Gaussian-mixture expectation maximisation with the warped maps as "
        "priors; inside the tumour the priors alone decide."
    )
    return [
        "Regions are those of the BraTS challenge (Menze et al. 2015; Bakas et al. 2017): whole "
        "tumour and tumour core. "
        f"Images were read in their own space, brought to RAS and 1 mm. {maps} "
        f"{_problem(result)} Relative diffusivity: "
        f"P = P_white + P_grey / {tissue.white_to_grey:g}. The tissue is a phase field φ with "
        f"an interface of {tissue.interface_width_mm:g} mm.",
        "Growth follows the Fisher-KPP equation (Harpold et al. 2007) in a diffuse domain "
        "(Li et al. 2009), "
        "φ ∂u/∂t = ∇·(D P φ ∇u) + ρ φ u (1 − u), with "
        f"u(x, 0) = {growth.h0:g} exp(−{growth.r0_per_mm2:g}/mm² · |x − x0|²). Start "
        "values are the two numbers for which the radially symmetric solution meets the "
        f"radii of the {words.disc}s of equal {words.size} of whole tumour and core at the prior "
        "thresholds.",
        *(_direct(result) if result.method == "direct" else _networks(result)),
        *_posterior(result),
    ]


def _posterior(result: PatientResult) -> list[str]:
    """Where intervals come from."""
    known, asked = result.uncertainty, result.settings.uncertainty
    if known is None or known.reason is not None:
        return []
    slices = (
        " In the plane the samples are stretched about their median by the scatter of its modes on "
        "neighbouring slices."
        if result.lambda_mm.sd_slices is not None
        else ""
    )
    ensemble = (
        f"that solves by finite volumes for every step; {asked.samples} samples are kept."
        if of_the_solver(known)
        else f"on a quadratic model of the density, and {asked.samples} samples are solved by "
        "finite volumes and weighted."
    )
    return [
        "Intervals are those of a Bayesian posterior of λ, ρT, x0 and both thresholds. Along each "
        "segmented outline, away from the walls of the tissue, the distance of the model's level "
        "set is read in the direction of the outline's normal, up to 15 mm; these distances are "
        "errors, normal with a Matérn covariance of two lengths (5 and 20 mm), of which both "
        f"outlines share {SHARED:.0%}, and a standard deviation of the greater of "
        f"{asked.noise.floor_mm:g} mm and {asked.noise.factor:g} times the misfit of a first "
        "mode, both up to twice as large where its front is flat. What exceeds the former is the "
        "model's error, and as much again is added without correlation. An edge of the core that "
        "is the whole tumour's too counts once. The mode is found by Levenberg-Marquardt steps, "
        "the posterior sampled by an affine-invariant ensemble "
        f"(Goodman and Weare 2010) {ensemble}{slices}"
    ]


def _problem(result: PatientResult) -> str:
    """What is fitted, and on which grids."""
    if isinstance(result.domain, FittedPlane):
        return (
            f"The two-dimensional problem lives on the {result.domain.plane} slice "
            f"{result.domain.slice} of the segmentation file."
        )
    grids = result.grid_mm
    assert grids is not None  # a volume names its grids
    learned = (
        f" There are two grids: the network learns its equation on cells of {grids.network:g} mm "
        f"and is compared with the solver there; objective, scores, volumes, extents, density and "
        f"masks of every model come from solutions on {grids.reported:g} mm."
        if result.method == "bilo"
        else f" The search begins on coarser cells; objective, scores, volumes, extents, density "
        f"and masks come from solutions on {grids.reported:g} mm."
    )
    return (
        f"The three-dimensional problem is the whole tumour with {MARGIN_MM} mm on every side, as "
        f"far as the head goes, on voxels of 1 mm.{learned}"
    )


def _direct(result: PatientResult) -> list[str]:
    """How the parameters were found and judged where no network was trained."""
    objective = _objective(result.settings.objective)
    return [
        "No network was trained. The parameters, the thresholds and the origin x0 are those of a "
        f"direct fit: {objective} is minimised with a conservative finite-volume "
        "solver and a classical optimiser, from coarse starts in several basins.",
        f"{_SCORES} References: {_disc(result)} and the characteristic start.",
    ]


def _networks(result: PatientResult) -> list[str]:
    """How networks found the parameters, and what judges them."""
    settings = result.settings
    return [
        "BiLO (bilevel local operator learning, Zhang et al. 2024) trains a network u(x, t; θ) "
        "that solves the equation at the current parameters θ and in their neighbourhood: the "
        "lower level descends the residual and its derivative by θ in the network's weights, the "
        f"upper level descends {_objective(settings.objective)} in θ only. "
        "The headline fit "
        "represents u by a correction of the solution at its start in logit form. "
        f"{_start(result)} The origin x0 is not "
        "descended by the network: it is that found by an outer search with the finite-volume "
        "solver (the direct fit).",
        "Verification: the same equation at the inferred parameters is solved by conservative "
        f"finite volumes {_grids(result)}; scores are computed "
        "for the network and for that solution. The error of the network is its "
        "relative L2 distance from that solution, weighted by φ, over the tissue φ > 1/2: beyond "
        "it no cell moves in and the density means nothing. The distance over all φ is given "
        f"beside it. {_SCORES} References: {_disc(result)}; the characteristic start; and a direct "
        "fit of the same objective and unknowns by finite volumes and a classical optimiser.",
    ]


_SCORES = "Scores are those inside φ > 1/2."


def _grids(result: PatientResult) -> str:
    """On which grid a network is verified."""
    if result.grid_mm is None:
        return f"on a grid of {1 / result.settings.verify.refine:g} mm"
    return (
        f"on the {result.grid_mm.network:g} mm cells of the network for its error, and on "
        f"{result.grid_mm.reported:g} mm for all that is reported"
    )


def _disc(result: PatientResult) -> str:
    """The reference of equal size."""
    words = WORDS[result.dimensions]
    return f"a {words.disc} of the {words.size} of each region at the centre of the core"


def _objective(objective: ObjectiveSettings) -> str:
    """The objective with its weights."""
    if objective.name == "outline":
        return (
            "minus the log posterior of the drawn outlines, whose errors hang together along them "
            "(a likelihood of the displacement of the model's level set from each outline, priors "
            f"of the thresholds and {_priors(objective)})"
        )
    return (
        f"the segmentation objective ({objective.name.replace('_', ' ')}, slope of the soft "
        f"threshold {objective.k_start:g} to {objective.k_final:g}, one prior weight "
        f"{objective.prior_weight:g} for the thresholds and for {_priors(objective)})"
    )


def _priors(objective: ObjectiveSettings) -> str:
    """The log-normal priors of the growth parameters."""
    parts = [
        f"{name} (median {prior.median:g}{unit}, sd of the logarithm {prior.log_sd:g})"
        for name, unit, prior in (
            ("λ", " mm", objective.growth_prior.lambda_mm),
            ("ρT", "", objective.growth_prior.rhoT),
        )
    ]
    return f"log-normal priors of {' and '.join(parts)}"


def _start(result: PatientResult) -> str:
    """Where the networks start."""
    starts = [fit.start for fit in result.fits if fit.start is not None]
    tables = [start for start in starts if start.source == "table"]
    text = "The networks start at the characteristic parameters."
    if tables:
        text = (
            "Where the characteristic parameters lie in a poorer basin of the objective, networks "
            "start at the best of a coarse table of finite-volume solutions (D·T = "
            f"{tables[0].DT:.0f} mm² and ρT = {tables[0].rhoT:.1f}), otherwise at the "
            "characteristic parameters."
        )
    for fit in result.fits:
        if fit.first_start is not None and fit.start is not None:
            second = "kept" if fit.start.source == "direct fit" else "no better, and left"
            text += (
                f" {fit.name} ended clearly above the direct fit, or off its own equation "
                f"(objective {num(fit.first_start.objective_fdm, 4)}); a second start at the "
                f"direct fit's parameters was {second}."
            )
    return text


def _registered(result: PatientResult) -> str:
    """The metric of the registration, with its source."""
    attempts = () if result.registration is None else result.registration.attempts
    if any(a.chosen and a.metric == "local correlation" for a in attempts):
        return "local correlation, Avants et al. 2008"
    return "mutual information, Mattes et al. 2003"
