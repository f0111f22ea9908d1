"""Write the JSON schemas: run this file.

Those of config.yaml and of patient files lie beside it, for editors; those of a patient's result
and of its comparison ship with the package.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, create_model

from gbm.config.patient import Patient
from gbm.config.settings import Settings
from gbm.results.comparison import Comparison
from gbm.results.patient_result import PatientResult

FOLDER = Path(__file__).resolve().parent
PACKAGE = FOLDER.parents[1] / "gbm" / "schemas"

Config = create_model(
    "Config",
    __base__=Settings,
    patients=(str | list[str], Field(description="a glob or a list of globs of patient files")),
)
PatientFile = create_model(
    "PatientFile",
    __base__=Settings,
    patient=(Patient, Field(description="who, and which files")),
)


def schemas() -> dict[Path, str]:
    """Files and their content."""
    made = {
        FOLDER / "config.schema.json": Config.model_json_schema(),
        FOLDER / "patient.schema.json": PatientFile.model_json_schema(),
        # As it is written: what has a default is there all the same.
        **{
            PACKAGE / f"{name}_params.schema.json": model.model_json_schema(mode="serialization")
            for name, model in (("growth", PatientResult), ("comparison", Comparison))
        },
    }
    return {path: json.dumps(schema, indent=2) + "\n" for path, schema in made.items()}


if __name__ == "__main__":
    for path, text in schemas().items():
        path.write_text(text, encoding="utf-8")
