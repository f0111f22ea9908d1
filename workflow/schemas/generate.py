"""Write the JSON schemas of config.yaml and of patient files, for editors: run this file."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, create_model

from gbm.config.patient import Patient
from gbm.config.settings import Settings

FOLDER = Path(__file__).resolve().parent

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


def schemas() -> dict[str, str]:
    """File names and their content."""
    models = {"config.schema.json": Config, "patient.schema.json": PatientFile}
    return {
        name: json.dumps(model.model_json_schema(), indent=2) + "\n"
        for name, model in models.items()
    }


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
