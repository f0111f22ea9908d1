"""What results are made from: told beside them, and compared with every command's own plan.

Contents decide what is current, not file times: each rule that reads a patient's files has, among
its params, what the patient file says with the hash of the content in place of every path. Snakemake
compares params with those it remembers in `.snakemake`. The notes that jobs leave beside the results
(`gbm.io.made_from`) say the same wherever the results are and whoever made them, and besides whether
the files are as they were written; where one differs, the job is planned again.
"""

from snakemake.io import apply_wildcards
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import RerunTrigger

from gbm.io.content_hashes import ContentHashes
from gbm.io.lock import hold as hold_results
from gbm.io.made_from import changed, digests, written

HASHES = ContentHashes(COHORT.hashes)


def content(path):
    """Hash of a file; images that a rule makes are as good as that rule."""
    return "made by a rule" if shown(path) in DEMO_MADE else HASHES.of(path)


@cache
def contents(key):
    """What a patient's file says, with contents in place of paths; None where it is faulty.

    What only plans and DICOM objects need is left out: adding it repeats no fit.
    """
    patient = PATIENTS[key].patient
    return patient and map_paths(
        patient.model_dump(exclude={"recurrence", "dicom"}), content
    )


def patient_contents(wildcards):
    """Function for `params`: see `contents`."""
    return contents(wildcards.patient)


def atlas_contents(wildcards):
    """Function for `params`: contents of an atlas of the user's own."""
    atlas = settings_of(entry(wildcards).file).tissue.atlas
    return None if isinstance(atlas, str) else map_paths(atlas.model_dump(), content)


def later_contents(*keys):
    """Function for `params`: what the patient file says under some keys, with contents for paths."""

    def found(wildcards):
        patient = entry(wildcards).patient
        return patient and map_paths(patient.model_dump(include=set(keys)), content)

    return found


def reference_contents(wildcards):
    """Function for `params`: content of the series that results refer to."""
    patient = entry(wildcards).patient
    source = patient and patient.reference()
    return source and [source.key, source.series, content(source.path)]


@cache
def begin():
    """Before a command plans anything: take the results for itself, and read the images.

    Returns
    -------
    file or None
        The lock, held until the command ends; a dry run and its like need none, and a job of another
        command has that one's.
    """
    lock = None
    if not workflow.is_main_process:
        return lock
    if workflow.executor_plugin is not None and not workflow.dryrun:
        try:
            lock = hold_results(LOCK, "output.root")
        except InputError as error:
            logger.error(f"error: {error}")
            raise SystemExit(1) from None
    HASHES.read(
        path
        for patient in PATIENTS.values()
        for path in [*patient.images.values(), *later_paths(patient).values()]
    )
    if lock is not None:
        HASHES.save()
    return lock


def comparing():
    """Whether this command plans by what results were made from, and is no job of another."""
    return workflow.is_main_process and RerunTrigger.PARAMS in workflow.rerun_triggers


@cache
def written_of(key):
    """What the steps of a patient have written, by their notes: path to SHA-256."""
    return written(COHORT.of(key).notes.glob("*.json"))


@cache
def written_of_all():
    """The same of all patients of the command."""
    return {
        file: content for key in PATIENTS for file, content in written_of(key).items()
    }


def renew(rule, /, **wildcards):
    """Plan a job again where its results were made from something else.

    Returns
    -------
    dict
        Step to names of what differs: one where it is planned again, else none.
    """
    outputs = [apply_wildcards(path, wildcards) for path in rule.output]
    if not any(os.path.lexists(path) for path in outputs):
        return {}
    log = Path(apply_wildcards(rule.log[0], wildcards))
    note = COHORT.notes / log.relative_to(COHORT.logs).with_suffix(".json")
    job = Wildcards(fromdict=wildcards)
    params = {
        name: value(job) if callable(value) else value
        for name, value in rule.params.items()
    }
    key = wildcards.get("patient")
    known = written_of_all() if key is None else written_of(key)
    differs = changed(note, digests(params), HASHES.of, known)
    if differs:
        workflow.dag.forcefiles.update(outputs)
    return {log.stem: differs} if differs else {}


def fits_of(key):
    """Names of the fits that a patient has."""
    folders = {COHORT.of(key).fit("").parent, COHORT.of(key).verified("").parent}
    return {file.stem for folder in folders for file in folder.glob("*_seed*.json")}


def or_end(function):
    """A function for `input` that ends the command where it fails.

    Snakemake takes any exception there for an input that is not needed, if the output exists.
    """

    def guarded(wildcards):
        try:
            return function(wildcards)
        except Exception as error:
            logger.error(f"error: {type(error).__name__}: {error}")
            raise SystemExit(1) from error

    return guarded


@or_end
def as_planned(wildcards):
    """Function for the `input` of `check`, where the plan of every patient begins; names no file.

    Whatever of the patient was made from something else is planned again.
    """
    begin()
    if not comparing():
        return []
    key, differs = entry(wildcards).key, {}
    for step in workflow.rules:
        if step.wildcard_names == {"patient"}:
            differs |= renew(step, patient=key)
        elif step.wildcard_names == {"patient", "fit"}:
            for fit in fits_of(key):
                differs |= renew(step, patient=key, fit=fit)
    names = [name for step in plans()[key] for name in differs.get(step, ())]
    if names:
        said = ", ".join(dict.fromkeys(names))
        logger.info(f"{key}: results are made again because of: {said}")
    return []


def page_as_planned(name):
    """Function for the `input` of a rule over all patients; see `as_planned`."""

    @or_end
    def planned(wildcards):
        begin()
        if comparing():
            renew(workflow.get_rule(name))
        return []

    return planned
