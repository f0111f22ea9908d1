"""The recipes of the containers agree with each other, with the package and with the profile."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gbm.version import __version__
from tests.containers.chroot_build import TORCH_INDEX, stages


@pytest.fixture
def steps(repository: Path) -> list[tuple[str, str]]:
    """The instructions of the stage `gbm`."""
    return stages((repository / "Dockerfile").read_text(encoding="utf-8"))["gbm"]


def _said(steps: list[tuple[str, str]], wanted: str) -> list[str]:
    return [argument for name, argument in steps if name == wanted]


def test_torch_has_the_range_of_the_package(steps: list[tuple[str, str]], repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = next(word for word in project["dependencies"] if word.startswith("torch"))
    assert [run for run in _said(steps, "RUN") if f'{TORCH_INDEX} "{wanted}"' in run]


def test_apptainer_takes_the_same_steps(steps: list[tuple[str, str]], repository: Path) -> None:
    """All but the user, who is whoever starts it there."""
    text = (repository / "apptainer.def").read_text(encoding="utf-8")
    head, *rest = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    sections = {
        name: [line.strip() for line in body.splitlines() if line.strip()]
        for name, body in zip(rest[::2], rest[1::2], strict=True)
    }
    assert f"From: {_said(steps, 'FROM')[0].split()[0]}\n" in head
    assert sections["post"] == [run for run in _said(steps, "RUN") if "useradd" not in run]
    copies = [argument.split() for argument in _said(steps, "COPY")]
    assert sections["files"] == [f"{s} {target}" for *names, target in copies for s in names]
    (variables,) = _said(steps, "ENV")
    assert sections["environment"] == [f"export {variables.replace(' HOME=/tmp LOGNAME=gbm', '')}"]
    assert sections["runscript"] == ['exec gbm "$@"']


def test_what_is_copied_exists_and_is_in_the_repository(
    steps: list[tuple[str, str]], repository: Path
) -> None:
    names = [name for argument in _said(steps, "COPY") for name in argument.split()[:-1]]
    assert set(names) >= {"pyproject.toml", "bilo", "gbm"}
    assert all((repository / name).exists() for name in names)
    ignored = (repository / ".gitignore").read_text(encoding="utf-8")
    assert not [name for name in names if f"/{name}/\n" in ignored]


def test_the_kubernetes_profile_names_the_image_that_the_docs_build(repository: Path) -> None:
    profile = (repository / "workflow/profiles/kubernetes/config.yaml").read_text(encoding="utf-8")
    image = re.search(r"KUBE_IMAGE=(\S+)", profile)
    assert image is not None
    assert __version__.startswith(image[1].split(":")[1])
    page = (repository / "docs/scale.md").read_text(encoding="utf-8")
    assert f"docker build --target gbm -t {image[1]} .\n" in page
    assert f"docker push {image[1]}\n" in page
