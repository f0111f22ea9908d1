"""What statuses say of answers that are known: `python -m tests.bilo.status_rows FOLDER`.

Every row is a fit; its outcome is a JSON file in the folder, and rows that have one are not run
again. `--only` takes beginnings of names. The table, and how it stands to what is required:
of the wrong answers none is `converged`; of the right ones with a reference, or with known noise,
85 % are, and with neither 95 % are `unverified`, none worse.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bilo.status.right import FUNCTIONS, RIGHT
from tests.bilo.status.row import Outcome, Row, run
from tests.bilo.status.wrong import WRONG

TABLES: dict[str, Sequence[Row]] = {"wrong": WRONG, "right": RIGHT, "functions": FUNCTIONS}


def outcome(row: Row, folder: Path) -> Outcome:
    """From its file, or by a fit."""
    file = folder / f"{row.key}.json"
    if not file.exists():
        found = asdict(run(row))
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return Outcome(**json.loads(file.read_text(encoding="utf-8")))


def line(row: Row, found: Outcome) -> str:
    """Of the table."""
    mark = "WRONG" if found.wrong else "right"
    words = f"  | {'; '.join(found.words)[:150]}" if found.words else ""
    return (
        f"{row.key:34s} {found.status:14s} {mark:5s} {found.answer[:70]:70s} "
        f"{found.seconds:5.1f} s{words}"
    )


def counts(name: str, found: Sequence[tuple[Row, Outcome]]) -> str:
    """Against what is required."""
    if name == "wrong":
        bad = [r.key for r, o in found if o.wrong]
        false = [r.key for r, o in found if o.wrong and o.status == "converged"]
        rows = len({r.name for r, _ in found})
        told = f"{rows} rows, {len(found)} fits, {len(bad)} of them wrong; converged {len(false)}"
        return f"{told}: {', '.join(false)}" if false else told
    words = []
    for evidence in ("reference", "sigma", "neither"):
        tally = Counter(o.status for r, o in found if r.evidence == evidence)
        told = ", ".join(f"{n} {status}" for status, n in tally.most_common())
        words.append(f"{evidence}: {told}")
    return "\n".join(words)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="What statuses say of answers that are known.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of names")
    parser.add_argument("--table", nargs="+", choices=TABLES, default=list(TABLES))
    said = parser.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    for name in said.table:
        rows = [r for r in TABLES[name] if r.key.startswith(tuple(said.only))]
        found = []
        for row in rows:
            found.append((row, outcome(row, said.folder)))
            print(line(*found[-1]), flush=True)
        print(f"\n{name}: {counts(name, found)}\n", flush=True)


if __name__ == "__main__":
    main()
