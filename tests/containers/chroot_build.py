"""A Dockerfile's steps in a root file system of Debian, where there is no docker.

`mmdebstrap` makes the base, and `chroot` in namespaces of its own runs what the Dockerfile says. A
stage that begins with an earlier one goes on in its root file system. Needs root.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TORCH_INDEX = "--index-url https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Image:
    """A root file system, and how programs are started in it."""

    root: Path
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "root"
    folder: str = "/"
    entry: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def run(self, *words: str, mounts: Mapping[Path, str] | None = None) -> str:
        """Start the entry point as `docker run` does; return what it printed.

        The folder for temporary files is empty, as it is in every new container.
        """
        fresh = f"mount -t tmpfs -o mode=1777 tmpfs {self._inside('/tmp')}"
        return self.execute([*self.entry, *(words or self.command)], mounts=mounts, first=fresh)

    def execute(
        self,
        words: list[str],
        env: Mapping[str, str] | None = None,
        mounts: Mapping[Path, str] | None = None,
        first: str = ":",
    ) -> str:
        """Run a program after `first`; show and return what it printed, raise if it fails."""
        lines = ["set -e", first, f"mount -t proc proc {self._inside('/proc')}"]
        for source, target in (mounts or {}).items():
            lines.append(
                f"mount --bind {shlex.quote(str(source))} {self._mount_point(source, target)}"
            )
        variables = [f"{name}={value}" for name, value in {**self.env, **(env or {})}.items()]
        start = ["chroot", f"--userspec={self.user}", str(self.root), "env", "-i", *variables]
        lines.append(
            "exec "
            + shlex.join([*start, "sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *words])
        )
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(lines)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        print(f"$ {shlex.join(words)}\n{done.stdout}")
        assert done.returncode == 0, f"{shlex.join(words)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def _inside(self, path: str) -> str:
        return shlex.quote(str(self.root / path.lstrip("/")))

    def _mount_point(self, source: Path, target: str) -> str:
        point = self.root / target.lstrip("/")
        if source.is_dir():
            point.mkdir(parents=True, exist_ok=True)
        else:
            point.parent.mkdir(parents=True, exist_ok=True)
            point.touch()
        return self._inside(target)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Name and argument of each instruction, with continued lines joined."""
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(kept).replace("\\\n", " ").splitlines():
        name, _, argument = line.partition(" ")
        yield name, argument.strip()


def stages(text: str) -> dict[str, list[tuple[str, str]]]:
    """Instructions of each stage, by its name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, argument in instructions(text):
        if name == "FROM":
            found[argument.split(" AS ")[1]] = []
        list(found.values())[-1].append((name, argument))
    return found


def build(context: Path, root: Path) -> dict[str, Image]:
    """Carry out the Dockerfile of a folder; return the image of each stage."""
    images: dict[str, Image] = {}
    for stage, steps in stages((context / "Dockerfile").read_text(encoding="utf-8")).items():
        base = steps[0][1].split(" AS ")[0]
        image = images[base] if base in images else _debian(base, root)
        for name, argument in steps[1:]:
            image = _carried_out(image, name, argument, context)
        images[stage] = image
    return images


def _debian(base: str, root: Path) -> Image:
    """The base `debian:<suite>-slim`: the packages that Debian calls required, and apt."""
    suite = re.fullmatch(r"debian:(\w+)-slim", base)
    assert suite is not None, f"{base}: no base that mmdebstrap can make"
    subprocess.run(["mmdebstrap", "--variant=minbase", suite[1], str(root)], check=True)
    return Image(root)


def _carried_out(image: Image, name: str, argument: str, context: Path) -> Image:
    match name:
        case "RUN":
            env, mounts = pip_of_this_machine()
            line = argument.replace(TORCH_INDEX, "") if mounts else argument
            image.execute(["sh", "-c", line], env, mounts)
            return image
        case "COPY":
            *sources, target = argument.split()
            for source in sources:
                _copy(context / source, image.root / target.lstrip("/"), target.endswith("/"))
            return image
        case "ENV":
            said = dict(word.split("=", 1) for word in shlex.split(argument))
            path = {k: v.replace("$PATH", image.env["PATH"]) for k, v in said.items()}
            return replace(image, env={**image.env, **path})
        case "USER":
            return replace(image, user=argument)
        case "WORKDIR":
            (image.root / argument.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=argument)
        case "ENTRYPOINT":
            return replace(image, entry=tuple(json.loads(argument)))
        case "CMD":
            return replace(image, command=tuple(json.loads(argument)))
        case _:
            raise ValueError(f"{name}: not an instruction that is carried out here")


def _copy(source: Path, target: Path, is_folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def pip_of_this_machine() -> tuple[dict[str, str], dict[Path, str]]:
    """Variables that tell pip what it is told on this machine, and where they expect its files.

    Where it is told of none, pip is that of everyone, and the Dockerfile's index of torch counts.
    """
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = re.findall(r"^(:env:|global|install)\.([\w-]+)='(.*)'$", said, re.MULTILINE)
    settings.sort(key=lambda setting: setting[0] == ":env:")  # variables win, so they come last
    env = {f"PIP_{key.upper().replace('-', '_')}": value for _, key, value in settings}
    # not in their own places, where an installed package may have a file of that name
    files = {v: f"/machine{v}" for v in env.values() if v.startswith("/") and Path(v).exists()}
    mounts = {Path(file): target for file, target in files.items()}
    return {name: files.get(value, value) for name, value in env.items()}, mounts
