"""Generated files are in step with the code, and the workflow's own files are sound."""

from __future__ import annotations

import json
import runpy
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gbm.config.loading import load_patient
from gbm.config.settings import Settings


def test_schemas_are_those_of_the_models(repository: Path) -> None:
    """After a change of settings or result: python workflow/schemas/generate.py.

    Keys, defaults and descriptions are compared, not the spelling of one pydantic version.
    """
    wanted = runpy.run_path(str(repository / "workflow/schemas/generate.py"))["schemas"]()
    assert repository / "gbm/schemas/growth_params.schema.json" in wanted
    for path, text in wanted.items():
        assert _content(json.loads(path.read_text())) == _content(json.loads(text)), path


def _content(schema: dict[str, Any]) -> dict[str, dict[str, tuple[object, object]]]:
    models = {"": schema, **schema.get("$defs", {})}
    return {
        model: {
            key: (entry.get("description"), entry.get("default"))
            for key, entry in body.get("properties", {}).items()
        }
        for model, body in models.items()
    }


@pytest.mark.parametrize("name", ["growth", "comparison"])
def test_the_schema_of_a_result_ships_and_leaves_nothing_open(name: str) -> None:
    """Every key of every part of a result is there and known."""
    shipped = files("gbm").joinpath(f"schemas/{name}_params.schema.json")
    schema = json.loads(shipped.read_text(encoding="utf-8"))
    for name, part in {"": schema, **schema["$defs"]}.items():
        assert set(part["required"]) == set(part["properties"]), name
        assert part["additionalProperties"] is False, name
        assert part["description"], name


def test_every_setting_has_a_default_in_config_yaml(repository: Path) -> None:
    """config.yaml shows the defaults; the gates and the finer fit settings are in the code."""
    given = yaml.safe_load((repository / "config.yaml").read_text())
    assert given.pop("patients") == "workflow/patients/demo.yaml"
    assert Settings.model_validate(given) == Settings()
    assert {name for name in Settings.model_fields if name != "gates"} <= set(given)


def test_editors_accept_the_files_that_name_the_schema(repository: Path) -> None:
    schema = json.loads((repository / "workflow/schemas/patient.schema.json").read_text())
    demo = yaml.safe_load((repository / "workflow/patients/demo.yaml").read_text())
    jsonschema.validate(demo, schema)
    demo["patient"]["segmentation"]["convention"] = "brets"
    with pytest.raises(jsonschema.ValidationError, match="brets"):
        jsonschema.validate(demo, schema)


def test_the_demo_patient_file_is_valid(repository: Path) -> None:
    patient = load_patient(repository / "workflow/patients/demo.yaml")
    assert patient.id == "demo"
    assert set(patient.paths()) == {
        "patient.segmentation.path",
        "patient.images.t1",
        "patient.images.t1c",
    }


def test_rules_declare_everything(repository: Path) -> None:
    needed = ("input:", "output:", "log:", "threads:", "resources:", "conda:", "message:")
    patients = {"demo.smk", "imaging.smk", "growth.smk", "results.smk", "comparison.smk"}
    for file in (repository / "workflow/rules").glob("*.smk"):
        for block in file.read_text().split("\nrule ")[1:]:
            rule = block.splitlines()[0].rstrip(":")
            if "script:" in block and rule != "demo":
                assert [word for word in needed if word not in block] == [], (file.name, rule)
            if "script:" in block and file.name in patients:
                wanted = ("benchmark:", "mem_mb=more(", "runtime=more(")
                assert [word for word in wanted if word not in block] == [], (file.name, rule)
