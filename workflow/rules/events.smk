"""What is told of a command: short reasons on the screen and, to `gbm run`, each event as JSON.

`gbm run` names the pipe that it reads in the environment. A plan is told as soon as there is one,
then the start and the end of each of its jobs; see `gbm.command.events`.
"""

import json
import logging
import signal
import textwrap

from snakemake_interface_logger_plugins.common import LogEvent


def shorten_reason(record):
    """A logging filter: the reason of a job quotes whole settings where these have changed."""
    if getattr(record, "event", None) == LogEvent.JOB_INFO:
        record.reason = textwrap.shorten(record.reason, 120, placeholder=" ...")
    return True


def told_of_job(job):
    """A planned job: whose it is and its step, by its log; the jobs that it waits for."""
    log = Path(job.log[0])
    whose = log.parent.name.removeprefix("sub-")
    return {
        "id": job.jobid,
        "patient": None if log.parent == COHORT.logs else whose,
        "step": log.stem,
        "log": str(log),
        "after": [before.jobid for before in workflow.dag.dependencies[job]],
    }


def told_of_plan():
    """Patients in their order, the jobs to be done, the cores that they share, files at fault."""
    jobs = [told_of_job(job) for job in workflow.dag.needrun_jobs() if job.log]
    found = {key: why_faulty(patient) for key, patient in PATIENTS.items()}
    return {
        "patients": [*PATIENTS],
        "cores": workflow.cores,
        "jobs": jobs,
        "faults": {key: str(why) for key, why in found.items() if why},
    }


class EventLines(logging.Handler):
    """Write what `gbm run` is told to its pipe.

    Where nobody reads any more, the command stops as it does at Ctrl-C: nobody would see it.
    """

    def __init__(self, pipe):
        super().__init__()
        self.pipe = pipe

    def emit(self, record):
        told = {
            LogEvent.RUN_INFO: lambda: {"event": "plan", **told_of_plan()},
            LogEvent.JOB_STARTED: lambda: {"event": "started", "jobs": record.jobs},
            LogEvent.JOB_FINISHED: lambda: {
                "event": "finished",
                "jobs": [record.job_id],
            },
            LogEvent.JOB_ERROR: lambda: {"event": "failed", "jobs": [record.jobid]},
        }.get(getattr(record, "event", None))
        if told is None:
            return
        try:
            os.write(self.pipe, f"{json.dumps(told())}\n".encode())
        except BrokenPipeError:
            logger.removeHandler(self)
            os.killpg(0, signal.SIGINT)


if workflow.is_main_process:
    if not workflow.output_settings.verbose:
        logger.addFilter(shorten_reason)
    if pipe := os.environ.get("GBM_EVENTS"):
        logger.addHandler(EventLines(int(pipe)))
