"""A patient that was not finished is no failure, and a step that was killed is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gbm.io.cohort_layout import CohortLayout
from gbm.io.ending import COMPLETE, Ending
from gbm.io.files import write_text
from gbm.io.layout import Layout
from gbm.results.cohort import KILLED, KILLED_AT_STOP, STOPPED, Member, notice, read_member
from gbm.steps.cohort import run

PLAN = ("baselines", "fit", "report")
DIVERGED = "step 3\nerror: RuntimeError: diverged\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Logs of one step of three patients: one with an error, two that end in the middle."""
    for name, text in (("bad", DIVERGED), ("cut", "step 3\n"), ("late", "step 1\n")):
        write_text(tmp_path / "logs" / f"sub-{name}" / "fit.log", text)
    return tmp_path / "logs"


def _log(logs: Path, patient: str, step: str = "fit") -> Path:
    return logs / f"sub-{patient}" / f"{step}.log"


def _states(logs: Path, ending: Ending) -> dict[str, tuple[str, tuple[str, ...]]]:
    names = sorted(folder.name.removeprefix("sub-") for folder in logs.iterdir())
    files = [Layout(logs.parent, name) for name in names]
    members = [read_member(own, Path("p.yaml"), PLAN, ending) for own in files]
    return {member.patient: (member.status, member.reasons) for member in members}


def test_patients_of_a_stopped_command_wait_and_failures_stay(logs: Path) -> None:
    left = {_log(logs, "cut"), _log(logs, "late", "report")}
    found = _states(logs, Ending(True, ((_log(logs, "bad"),),), left))
    assert found == {
        "bad": ("failed", ("fit: RuntimeError: diverged",)),
        "cut": ("unfinished", (STOPPED,)),
        "late": ("unfinished", (STOPPED,)),
    }


def test_an_error_of_a_step_that_the_stop_ended_does_not_count(logs: Path) -> None:
    """Nor does that of an earlier command, where the step has not begun in this one."""
    assert _states(logs, Ending(True, (), {_log(logs, "bad")}))["bad"] == ("unfinished", (STOPPED,))


def test_a_step_that_was_killed_alone_is_named(logs: Path) -> None:
    killed = ((_log(logs, "cut"),), (_log(logs, "cut", "baselines"),))
    status, reasons = _states(logs, Ending(False, killed, {_log(logs, "cut", "report")}))["cut"]
    assert status == "failed"
    assert reasons == (f"baselines: {KILLED}", f"fit: {KILLED}")


def test_a_step_that_died_while_the_command_was_stopped_is_no_failure(logs: Path) -> None:
    """After SIGTERM to a whole group, nobody can say which of the two ended it."""
    found = _states(logs, Ending(True, ((_log(logs, "cut"),),), {_log(logs, "cut", "report")}))
    assert found["cut"] == ("unfinished", (STOPPED, f"fit: {KILLED_AT_STOP}"))


def test_of_a_group_that_was_killed_all_steps_are_named(logs: Path) -> None:
    """On a cluster several steps are one job, and which of them it was is not known."""
    group = tuple(_log(logs, "cut", step) for step in ("tissue", "domain"))
    assert Ending(failed=(group,)).silent(logs / "sub-cut") == ("one of domain, tissue",)
    write_text(group[0], DIVERGED)
    ending = Ending(failed=(group,), left=set(group))
    assert ending.silent(logs / "sub-cut") == ()
    assert ending.errors(logs / "sub-cut") == ("tissue: RuntimeError: diverged",)


def test_another_patient_s_logs_do_not_matter(logs: Path) -> None:
    found = _states(logs, Ending(False, ((_log(logs, "cut2"),), (logs / "cohort.log",))))
    assert found["cut"][0] == "unfinished"
    assert _states(logs, COMPLETE)["bad"][0] == "failed"


@pytest.mark.parametrize(
    ("waiting", "said"), [(0, None), (1, "1 of 3 patients is not"), (2, "2 of 3 patients are not")]
)
def test_the_notice_counts_who_waits(waiting: int, said: str | None) -> None:
    members = [
        Member(str(n), "", "unfinished", (STOPPED if n < waiting else "other",)) for n in range(3)
    ]
    told = notice(members)
    assert told is None if said is None else said in (told or "")


def test_the_page_of_a_stopped_command(logs: Path) -> None:
    names = ("bad", "cut", "late")
    left = {_log(logs, "cut"), _log(logs, "late")}
    patients = {name: Path(f"{name}.yaml") for name in names}
    plans = dict.fromkeys(names, PLAN)
    run(CohortLayout(logs.parent), patients, plans, Ending(True, (), left))
    page = (logs.parent / "cohort.html").read_text()
    assert "3 patients: 0 done, 1 failed, 2 unfinished" in page
    assert "The command was stopped: 2 of 3 patients are not finished; type it again" in page
    failed, unfinished = page.split('<section id="failed">')[1].split('<section id="unfinished">')
    unfinished = unfinished.split("</section>")[0]
    assert "sub-bad" in failed
    assert 'class="verdict red"' in failed
    assert "sub-cut, sub-late: unfinished" in unfinished
    assert unfinished.count('class="verdict') == unfinished.count('class="verdict grey"') == 1
    assert STOPPED in unfinished
    run(CohortLayout(logs.parent), patients, plans)
    assert "was stopped" not in (logs.parent / "cohort.html").read_text()
