"""Rows, times and lines from a recorded stream of events: two patients, one of which fails."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bilo.training.progress import progress_of
from gbm.command.events import Change, Plan, read
from gbm.command.expectation import USUAL_SECONDS, expected_seconds, seconds_left_in
from gbm.command.progress import TOGETHER, Progress, Row
from gbm.command.table import Lines, LiveTable, duration, most_telling, table, total
from gbm.steps import __path__ as STEPS

STEPS_OF = {"good": ("check", "baselines", "fit_bilo_char_inferred_seed0"), "bad": ("check",)}


def _lines() -> Iterator[str]:
    """As `workflow/rules/events.smk` writes them: 1 to 3 of `good`, 4 of `bad`, 5 of both."""
    jobs, number = [], 0
    for patient, steps in STEPS_OF.items():
        for place, step in enumerate(steps):
            number += 1
            log = f"logs/sub-{patient}/{step}.log"
            after = [number - 1] if place else [99]  # 99 was done before
            jobs.append(
                {"id": number, "patient": patient, "step": step, "log": log, "after": after}
            )
    last = {"id": 5, "patient": None, "step": "cohort", "log": "logs/cohort.log", "after": [3, 4]}
    plan = {"event": "plan", "patients": [*STEPS_OF, "old"], "cores": 2, "jobs": [*jobs, last]}
    plan["faults"] = {}
    yield json.dumps(plan)
    for what, number in (
        ("started", 1), ("started", 4), ("failed", 4), ("finished", 1), ("started", 2),
        ("finished", 2), ("started", 3), ("finished", 3), ("started", 0), ("finished", 0),
    ):  # fmt: skip
        yield json.dumps({"event": what, "jobs": [number]})


def _after(events: int, seconds: float = 10.0, left: float | None = None) -> list[Row]:
    """Rows after a number of events that are ten seconds apart, and some more seconds."""
    plan, *changes = read(_lines())
    assert isinstance(plan, Plan)
    progress = Progress(plan, lambda log: left)
    for place, change in enumerate(changes[:events]):
        assert isinstance(change, Change)
        progress.apply(change, 10.0 * place)
    return progress.rows(10.0 * max(events - 1, 0) + seconds)


def test_nothing_has_begun() -> None:
    good, bad, old, together = _after(0)
    assert (good.state, good.steps, good.share) == ("waiting", (), 0.0)
    assert bad.state == together.state == "waiting"
    assert (old.state, old.share, old.left) == ("done", 1.0, 0.0)
    assert together.patient == TOGETHER
    fits = sum(USUAL_SECONDS[kind] for kind in ("check", "baselines", "fit bilo"))
    assert good.left == fits  # one step after the other, whatever the cores
    assert good.left < together.left


def test_a_failure_names_its_step_and_others_go_on() -> None:
    good, bad, *_ = _after(3)
    assert (bad.state, bad.steps) == ("failed", ("check",))
    assert (good.state, good.steps) == ("running", ("check",))


def test_a_command_has_a_pace_of_its_own() -> None:
    """A check that took ten times as long as usual foretells the same of the other steps."""
    good = _after(4)[0]
    rest = USUAL_SECONDS["baselines"] + USUAL_SECONDS["fit bilo"]
    assert good.left == pytest.approx(30.0 / USUAL_SECONDS["check"] * rest)


def test_a_slow_machine_shows_before_a_job_has_ended() -> None:
    first, late = (_after(1, seconds=seconds)[0].left for seconds in (1.0, 60.0))
    rest = USUAL_SECONDS["baselines"] + USUAL_SECONDS["fit bilo"]
    assert first == pytest.approx(USUAL_SECONDS["check"] - 1.0 + rest)
    assert late == pytest.approx(1.0 + 60.0 / USUAL_SECONDS["check"] * rest)


def test_a_fit_says_itself_how_long_it_takes() -> None:
    good = _after(7, seconds=20.0, left=60.0)[0]
    assert good.steps == ("fit bilo",)
    assert good.left == 60.0
    assert good.share == pytest.approx((30.0 + 10.0 + 20.0) / (30.0 + 10.0 + 80.0))


def test_a_step_that_outlasts_its_time_is_not_done() -> None:
    good = _after(1, seconds=1e4)[0]
    assert 0.0 < good.share < 1.0


def test_all_is_done_but_what_failed() -> None:
    rows = _after(10)
    assert [row.state for row in rows] == ["done", "failed", "done", "waiting"]
    assert total(rows).startswith("2 of 3 done, 1 failed")


def test_an_interrupted_job_has_not_failed(tmp_path: Path) -> None:
    plan = next(read(_lines()))
    assert isinstance(plan, Plan)
    progress = Progress(plan)
    progress.apply(Change("started", (1, 4)), 0.0)
    progress.apply(Change("failed", (1,)), 1.0, stopping=True)
    assert progress.failed == []
    assert [row.state for row in progress.rows(2.0)[:2]] == ["running", "running"]


def test_others_of_a_kind_foretell_better_than_the_pace() -> None:
    measured = {"check": [1.0, 3.0, 8.0], "tissue": [22.0]}
    expected = expected_seconds(["check", "tissue", "posterior"], measured)
    assert (expected["check"], expected["tissue"]) == (3.0, 22.0)
    pace = (1.0 + 3.0 + 8.0 + 22.0) / (3 * USUAL_SECONDS["check"] + USUAL_SECONDS["tissue"])
    assert expected["posterior"] == pytest.approx(pace * USUAL_SECONDS["posterior"])


def test_usual_times_are_those_of_steps() -> None:
    steps = {file.stem for folder in STEPS for file in Path(folder).glob("*.py")}
    assert {kind.split()[0] for kind in USUAL_SECONDS} <= steps


def test_the_lines_of_a_fit_are_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that `bilo` writes where there is no terminal."""
    log, clock = tmp_path / "fit.log", iter((0.0, 20.0, 40.0))
    assert seconds_left_in(log) is None
    monkeypatch.setattr("bilo.training.progress.time.perf_counter", lambda: next(clock))
    tell = progress_of("p01 bilo_char", 400, 0)
    log.write_text("warning: something else\n")
    assert seconds_left_in(log) is None
    tell(100, {"residual": 1e-3, "start": 2.0})
    log.write_text(capsys.readouterr().err)
    left = seconds_left_in(log)
    assert left is not None
    assert left == pytest.approx(60.0, abs=1.5)
    tell(400, {"residual": 1e-3, "start": 2.0})
    with log.open("a") as stream:
        stream.write(capsys.readouterr().err)
    assert seconds_left_in(log) == 0.0


def _row(patient: str, state: str, **more: object) -> Row:
    usual = {"steps": ("fit bilo",) if state in ("running", "failed") else (), "share": 0.5}
    return Row(patient, state, **{**usual, "left": 90.0, **more})  # type: ignore[arg-type]


def test_lines_are_sparse_and_plain() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.show([], 0.5, "reading what there is")
    for now in range(1, 100):
        ended = "done" if now > 70 else "running"
        lines.show([_row("p01", ended), _row("p02", "failed")], float(now))
    lines.close()
    assert stream.getvalue().splitlines() == [
        "        0 s  reading what there is",
        "        1 s  p02: failed at fit bilo",
        "       30 s  p01 50 % (fit bilo); 0 of 2 done, 1 failed, 1 min 30 s left",
        "  1 min 0 s  p01 50 % (fit bilo); 0 of 2 done, 1 failed, 1 min 30 s left",
        " 1 min 11 s  p01: done",
    ]
    assert "\x1b" not in stream.getvalue()


def test_the_table_has_a_row_a_patient() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=24, color_system=None)
    live = LiveTable(console)
    live.show([_row("p01", "running"), _row("p02", "failed", left=0.0)], 5.0)
    live.close()
    first, *_ = [line for line in stream.getvalue().splitlines() if "p01" in line]
    assert "fit bilo" in first
    assert "1 min 30 s" in first
    assert "failed: fit bilo" in stream.getvalue()
    assert "5 s: 0 of 2 done, 1 failed, 1 min 30 s left" in stream.getvalue()


@pytest.mark.parametrize("width", [15, 30, 40, 60, 80])
def test_a_narrow_terminal_keeps_the_times(width: int) -> None:
    console = Console(file=(stream := io.StringIO()), width=width, color_system=None)
    rows = [_row("TCIA01201", "running", left=86340.0), _row("a_name_of_twenty_four_ch", "waiting")]
    console.print(table(rows, 10, width))
    head, first, second = stream.getvalue().splitlines()
    assert head.split()[-1] == "left"
    if width >= 30:
        assert first.endswith("23 h 59 min")
        assert second.endswith(" 1 min 30 s")
    if width >= 40:
        assert first.startswith("TCIA01201  ")
    assert ("━" in first) == (width >= 80)


def test_a_narrow_terminal_says_that_it_stops() -> None:
    console = Console(file=(stream := io.StringIO()), width=40, color_system=None)
    live = LiveTable(console)
    live.show([_row("p01", "running")], 95.0, "stopping the jobs that run")
    live.close()
    assert "1 min 35 s: stopping the jobs that run" in stream.getvalue()


def test_a_small_terminal_shows_what_matters_most() -> None:
    states = ["done"] * 5 + ["running", "failed"] + ["waiting"] * 5
    rows = [_row(f"p{place:02d}", state) for place, state in enumerate(states)]
    assert [row.state for row in most_telling(rows, 4)] == [
        "running",
        "failed",
        "waiting",
        "waiting",
    ]
    assert most_telling(rows, 40) == rows


def test_durations_are_short() -> None:
    assert [duration(s) for s in (59.6, 3599.0, 36000.0)] == [
        "1 min 0 s",
        "59 min 59 s",
        "10 h 0 min",
    ]
