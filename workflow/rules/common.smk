"""What the rules share: patients, settings, paths, and the hash of the code behind a rule."""

import os
import re
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

BASE = Path(workflow.basedir)
IN_CLONE = (BASE / "gbm").is_dir()
"""Whether the packages lie beside the Snakefile; an installed one lies inside `gbm`."""

if IN_CLONE:
    sys.path.insert(0, str(BASE))

from bilo.training.code_hash import source_hash  # noqa: E402
from gbm.config import fit_names  # noqa: E402
from gbm.config.loading import load_settings  # noqa: E402
from gbm.config.errors import InputError, is_dicom  # noqa: E402
from gbm.config.patient_list import entries, patient_in, roster  # noqa: E402
from gbm.config.paths import map_paths  # noqa: E402
from gbm.config.plan import fits_neighbours, planned_steps  # noqa: E402
from gbm.demo.names import DEMO_NAMES  # noqa: E402
from gbm.io.cohort_layout import CohortLayout  # noqa: E402
from gbm.io.layout import arrays, sidecar  # noqa: E402
from gbm.io.nifti_header import most_voxels  # noqa: E402
from gbm.config.writable import require_writable  # noqa: E402


@cache
def judged(file=None):
    """Settings with a patient file's overrides and, where these are faulty, without them and why."""
    try:
        return load_settings(config, file), None
    except InputError as error:
        if file is None:
            raise
        return load_settings({} if file == OWN_FILE else config), error


def settings_of(file=None):
    """Settings with a patient file's overrides; without them where that file is faulty."""
    return judged(file)[0]


DEMO_FILES = {
    name: BASE / f"workflow/patients/{name}.yaml" for name in DEMO_NAMES.values()
}
DEFAULT_PATIENTS = "workflow/patients/demo.yaml"


def read_roster():
    """Patients of this command: a `patient` in the configuration wins over `patients`.

    Where nobody named any, the whole tumour is that of the demo grown in space.
    """
    if OWN_FILE is not None:
        return entries([OWN_FILE])
    if "patient" in config:
        raise InputError("describe the patient in a file (--configfile)", key="patient")
    patients = config.get("patients")
    named = "patients" in workflow.config_settings.overwrite_config
    if patients == DEFAULT_PATIENTS and not named and config.get("dimensions") == 3:
        patients = DEMO_FILES[DEMO_NAMES[3]].as_posix()
    return roster(patients, [Path.cwd(), BASE])


AWKWARD = re.compile(r"[{}<>]")
"""Characters that mean something else in the paths of rules."""


def as_here(patient):
    """A patient as this command has it: the images of a demo are made among the results."""
    demo = demo_of(patient.file)
    if demo is None:
        return patient
    folder, said = demo_folder(demo).absolute(), patient.patient.model_dump()
    placed = map_paths(said, lambda path: folder / path.name)
    return replace(patient, patient=type(patient.patient).model_validate(placed))


def demo_of(file):
    """Name of the demo that a patient file is, or None."""
    names = [name for name, demo in DEMO_FILES.items() if demo == file.resolve()]
    return names[0] if names else None


def demo_folder(name):
    """Where the files of a demo patient are made."""
    return SETTINGS.output.root / name


def shown(path):
    """A path as rules name it: relative below the working directory, so that rules match it."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative


def require_name(path, key):
    """Refuse a folder that the paths of rules cannot hold."""
    if AWKWARD.search(str(path)):
        raise InputError("< > { } cannot stand in this path", file=path, key=key)


# Faults of the command are refused here, before anything runs. A `patient` section merged from a
# --configfile is that patient's: its faults are found by its `check` job like any other's.
try:
    OWN_FILE = patient_in([BASE / "config.yaml", *workflow.overwrite_configfiles])
    SETTINGS = settings_of(OWN_FILE)
    require_name(SETTINGS.output.root, "output.root")
    PATIENTS = {key: as_here(patient) for key, patient in read_roster().items()}
    if not workflow.dryrun:
        require_writable(SETTINGS.output.root, "output.root")
except InputError as error:
    raise WorkflowError(f"error: {error}") from None

ROOT = SETTINGS.output.root.as_posix()
GBM = f"{ROOT}/gbm"
LOCK = SETTINGS.output.root / "gbm" / ".lock"
COHORT = CohortLayout(Path(GBM))
FILES = COHORT.of("{patient}")
FIT_NAMES = fit_names.PATTERN
# Priorities: the checks of all patients, then patient by patient (`in_turn`).
FIRST = len(PATIENTS) + 1
PLACES = {key: place for place, key in enumerate(PATIENTS)}


def entry(wildcards):
    """The patient of a job."""
    if wildcards.patient not in PATIENTS:
        raise WorkflowError(f"error: {wildcards.patient}: no patient of this command")
    return PATIENTS[wildcards.patient]


def patient_file(wildcards):
    """The patient file of a job."""
    file = entry(wildcards).file
    demo = demo_of(file)
    return DEMOS[demo]["patient"] if demo else shown(file)


def why_faulty(patient):
    """Why a patient cannot be used, as far as its file says; None where it can."""
    return patient.fault or judged(patient.file)[1]


def fault(wildcards):
    """The same as plain values, for `check`, which fails with it."""
    patient = entry(wildcards)
    why = why_faulty(patient)
    return why and {
        "message": why.message,
        "file": shown(why.file or patient.file),
        "key": why.key,
        "given": why.given,
    }


def files_of_patient(wildcards):
    """A patient's file and images, as far as Snakemake may know them.

    Their content is among the params, so that times say nothing, but for what a rule makes. Left
    out is what would stop more than it should, see `knowable`: `check` names what is at fault.
    """
    paths = [patient_file(wildcards), *map(shown, entry(wildcards).images.values())]
    return [
        path if path in DEMO_MADE else ancient(path)
        for path in paths
        if path in DEMO_MADE or knowable(path)
    ]


def later_of_patient(wildcards):
    """Files that only plans and DICOM objects need, as far as Snakemake may know them."""
    paths = [shown(path) for path in later_paths(entry(wildcards)).values()]
    return [ancient(path) for path in paths if knowable(path)]


def later_paths(patient):
    """Dotted key to path of what only plans and DICOM objects need."""
    if patient.patient is None:
        return {}
    return {key: source.path for key, source in patient.patient.later().items()}


def knowable(path):
    """Whether a file can be named in a rule, and in its log, and Snakemake can bear it.

    A time to come and a file that may not be read end the whole command, other patients' jobs too.
    """
    try:
        now = os.path.isfile(path) and os.path.getmtime(path) <= time.time()
        named = not AWKWARD.search(path) and not is_dicom(Path(path))
        return now and named and os.access(path, os.R_OK)
    except (OSError, ValueError):
        return False


def truth(wildcards):
    """The truth of a demo patient; no other has one."""
    demo = demo_of(entry(wildcards).file)
    return COHORT.of(demo).truth if demo else []


def settings_for(*sections):
    """Function of the wildcards for `params`: the sections of the settings that a rule depends on.

    Only these make the rule run again when they change; that of the objective
    `outline` is `noise`, a part of `uncertainty`. Which fits there are is no setting of any one
    fit: a further seed or weight leaves the others as they are. No step of the main job depends on what
    belongs to the comparison.
    """

    def chosen(wildcards):
        file = entry(wildcards).file
        if not sections:
            return without_plan(plain_settings(file))
        whole = plain_settings_of_fits(file)
        found = {name: whole[name] for name in sections if name != "noise"}
        outline = "objective" in sections and whole["objective"]["name"] == "outline"
        if outline or "noise" in sections:
            noise = whole["uncertainty"]["noise"]
            found.setdefault("uncertainty", {"noise": noise})
        return found

    return chosen


@cache
def plain_settings(file):
    """Settings of a patient's main job as plain values; where results lie is none of them."""
    settings = fit_names.of_main_job(settings_of(file))
    return settings.model_dump(mode="json", exclude={"output"})


def without_plan(settings):
    """Settings that a result of the growth depends on: no plan changes one."""
    return {name: value for name, value in settings.items() if name != "plan"}


@cache
def plain_settings_of_fits(file):
    """The same without the choice of fits."""
    whole, choice = plain_settings(file), ("method", "seeds", *fit_names.OF_COMPARISON)
    kept = {name: value for name, value in whole["fit"].items() if name not in choice}
    return {**whole, "fit": kept}


def slice_fit(wildcards):
    """What one slice says, beside the fit of a whole tumour."""
    whole = settings_of(entry(wildcards).file).dimensions == 3
    return FILES.slice_fit if whole else []


def posterior(wildcards):
    """What the intervals of a result are made of, where they are asked for."""
    settings = settings_of(entry(wildcards).file)
    if not settings.uncertainty.enabled:
        return []
    own = [FILES.posterior, arrays(FILES.posterior)]
    return own + ([FILES.slices] if fits_neighbours(settings) else [])


def uncertain(wildcards):
    """Maps of the posterior in the patient's space, where they are asked for."""
    asked = settings_of(entry(wildcards).file).uncertainty.enabled
    return [*FILES.uncertain.values()] if asked else []


def plans_made(wildcards):
    """Plans of a whole tumour."""
    whole = settings_of(entry(wildcards).file).dimensions == 3
    return FILES.planned if whole else []


def settings_of_domain(wildcards):
    """What the fitted problem depends on: the choice of a slice is none of a whole tumour's."""
    whole = settings_of(entry(wildcards).file).dimensions == 3
    sections = ("dimensions", "tissue") if whole else ("dimensions", "slice", "tissue")
    return settings_for(*sections)(wildcards)


def registered(wildcards):
    """Files of the registration; none where the patient brings tissue maps."""
    if entry(wildcards).has_tissue:
        return []
    return [*FILES.registered.values(), FILES.registration]


def all_settings(wildcards):
    """All settings of a patient, those of the comparison too, for `params`.

    A comparison is the same whoever asked for it.
    """
    whole = settings_of(entry(wildcards).file).model_dump(
        mode="json", exclude={"output"}
    )
    whole["fit"]["comparison"] = True
    return without_plan(whole)


def fits(path, plan=fit_names.planned):
    """Function of the wildcards for `input`: one file for each fit of a plan of the patient."""

    def files(wildcards):
        chosen = plan(settings_of(entry(wildcards).file))
        return [path(fit.name) for fit in chosen]

    return files


def prediction(wildcards):
    """Arrays with the density of the headline: a verified network, or the direct fit."""
    settings = settings_of(entry(wildcards).file)
    if settings.fit.method == "direct":
        return arrays(FILES.baselines)
    return arrays(FILES.verified(fit_names.headline_fit(settings).name))


def reference(wildcards):
    """The direct fit that has the origin of a network."""
    fixed = fit_names.FitSpec.parse(wildcards.fit).origin == "fixed"
    return FILES.direct_fixed if fixed else FILES.baselines


def asked_intervals(wildcards):
    """What `all` makes of the posterior in the patients' space."""
    asking = [
        COHORT.of(key).uncertain.values()
        for key, patient in PATIENTS.items()
        if settings_of(patient.file).uncertainty.enabled
    ]
    return [
        path for files in asking for image in files for path in (image, sidecar(image))
    ]


def asked_plans(wildcards):
    """What `all` makes of whole tumours besides: plans, and DICOM objects where a series is there."""
    whole = [
        key
        for key, patient in PATIENTS.items()
        if settings_of(patient.file).dimensions == 3
    ]
    plans = [path for key in whole for path in COHORT.of(key).planned]
    referring = [key for key in whole if PATIENTS[key].refers]
    return plans + [
        path for key in referring for path in COHORT.of(key).dicom_objects.values()
    ]


def asked_comparisons(wildcards):
    """What `all` makes of the comparison: the page where all patients ask for it."""
    asking = [
        key
        for key, patient in PATIENTS.items()
        if settings_of(patient.file).fit.comparison
    ]
    if len(asking) == len(PATIENTS):
        return [COHORT.comparison]
    return [COHORT.of(key).comparison for key in asking]


def arrays_of(path):
    """The arrays beside the record of a fit, as a function of the fit's name."""
    return lambda name: arrays(path(name))


def log_of(name):
    """Log of a step of one patient."""
    return FILES.logs / f"{name}.log"


def cost_of(name):
    """What a step of one patient took."""
    return FILES.costs / f"{name}.tsv"


def results_root(wildcards):
    """Folder of the derivatives, for `params`: steps find their files below it."""
    return GBM


def in_turn(wildcards):
    """Priority of a patient's jobs: patients are finished one after the other, in their order.

    Pages come while the command runs, and an interrupted one leaves whole patients.
    """
    return FIRST - 1 - PLACES[wildcards.patient]


USUAL_HEAD = 240 * 240 * 155


@cache
def voxels_of(key):
    """Voxels of a patient's largest image, by the headers; a usual head's where none can be read."""
    return most_voxels(PATIENTS[key].images.values()) or USUAL_HEAD


def more(amount, bytes_a_voxel=0):
    """Function for `resources`: an amount (MB, minutes), and as much again at every retry.

    Memory grows with the largest image of the patient. The amounts leave room above what was
    measured on whole heads; see docs/scale.md.
    """

    def granted(wildcards, attempt):
        voxels = voxels_of(wildcards.patient) if bytes_a_voxel else 0
        return attempt * int(amount + bytes_a_voxel * voxels / 1e6)

    return granted


def patient_files():
    """Name of every patient of the command and its file."""
    return {key: shown(patient.file) for key, patient in PATIENTS.items()}


@cache
def plans():
    """Name of every patient of the command and the steps of its main job."""
    return {
        key: sorted(
            planned_steps(
                settings_of(patient.file),
                registered=not patient.has_tissue,
                dicom=patient.refers,
            )
        )
        for key, patient in PATIENTS.items()
    }


def ending():
    """How this command ended, by the logs of its jobs."""
    from gbm.io.ending import Ending

    def logs(jobs):
        return tuple(tuple(Path(log) for log in job.log) for job in jobs)

    scheduler = workflow.scheduler
    left = logs([*scheduler.running, *scheduler.remaining_jobs])
    return Ending(
        # Only a command that was stopped leaves jobs that run or could begin; `_user_kill` is set
        # by SIGTERM, which may also have ended the only job there was.
        stopped=bool(scheduler._user_kill or scheduler.running or scheduler.open_jobs),
        failed=logs(scheduler.failed),
        left=frozenset(log for of_job in left for log in of_job),
    )


def write_pages_after_failure():
    """Write the pages of all patients although some have no results; the cohort's names the reasons.

    No job made these pages: without a note the next command makes them again.
    """
    from gbm.steps import cohort, comparison_page

    files = {key: Path(file) for key, file in patient_files().items()}
    end = ending()
    COHORT.note("cohort").unlink(missing_ok=True)
    cohort.run(COHORT, files, plans(), end)
    if any(COHORT.of(key).comparison.exists() for key in PATIENTS):
        COHORT.note("comparison_page").unlink(missing_ok=True)
        comparison_page.run(COHORT, PATIENTS, end)
