"""The Kubernetes profile: its jobs are Jobs with the memory and minutes of their rules.

No cluster is asked: a stand-in for kubectl keeps each manifest and runs its command here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.workflow.phantom import write

KUBECTL = """\
#!/usr/bin/env bash
cd "$STUB_HOME" || exit 1
case "$1" in
  create)
    name=job-$(ls ./*.json 2> /dev/null | wc -l)
    cat > "$name.json"
    script=$(sed -E 's/.*"command": \\["\\/bin\\/sh", "([^"]*)"\\].*/\\1/' "$name.json")
    cp "$script" "$name.sh"
    if [ "$name" = job-0 ]; then
      echo 137 > "$name.rc"  # out of memory
    else
      (sh "$script" > "$name.log" 2>&1; echo $? > "$name.rc") < /dev/null > /dev/null 2>&1 &
    fi
    echo "$name" ;;
  get)
    [ -s "$4.rc" ] || exit 0
    [ "$(cat "$4.rc")" = 0 ] && echo "SuccessCriteriaMet Complete" || echo "FailureTarget Failed" ;;
esac
"""
PYTHON = f"""\
#!/bin/sh
echo "$*" >> "$STUB_HOME/python"
exec {sys.executable} "$@"
"""
"""The Python of the image, which is not that of the command."""


def test_jobs_are_kubernetes_jobs(snakemake: Run, repository: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None:
        pytest.skip("snakemake-executor-plugin-cluster-generic is not installed")
    write(tmp_path, "p01")
    home = tmp_path / "stub"
    (home / "bin").mkdir(parents=True)
    for name, text in (("kubectl", KUBECTL), ("python", PYTHON)):
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    done = snakemake(
        "results/gbm/work/sub-p01/tissue.json",
        "--profile", str(repository / "workflow/profiles/kubernetes"),
        "--seconds-between-status-checks", "1", "--latency-wait", "1",
        "--config", "patients=p01.yaml",
        env={
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "STUB_HOME": str(home),
            "KUBE_IMAGE": "registry/bilo-gbm:0",
            "KUBE_CLAIM": "gbm",
            "KUBE_MOUNT": str(tmp_path),
        },
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert (tmp_path / "results/gbm/work/sub-p01/tissue.json").is_file()
    jobs = [json.loads(file.read_text()) for file in sorted(home.glob("job-*.json"))]
    # check and tissue, one after the other; again with twice as much after the first was killed
    assert [_granted(job) for job in jobs] == [("2000M", 900), ("4000M", 1800)], said
    for job in jobs:
        pod = job["spec"]["template"]["spec"]
        assert job["spec"]["backoffLimit"] == 0
        assert pod["containers"][0]["image"] == "registry/bilo-gbm:0"
        assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == str(tmp_path)
        assert pod["securityContext"] == {"runAsUser": os.getuid(), "runAsGroup": os.getgid()}
        assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "gbm"}
    scripts = [file.read_text() for file in home.glob("job-*.sh")]
    assert len(scripts) == len(jobs)
    assert not [script for script in scripts if sys.executable in script]
    assert (home / "python").read_text().startswith("-m snakemake")


def _granted(job: dict) -> tuple[str, int]:
    """Memory and seconds."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    return container["resources"]["limits"]["memory"], job["spec"]["activeDeadlineSeconds"]
