"""Every number on the page also ships in the JSON and TSV files of the patient."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gbm.io.files import read_json
from gbm.io.layout import sidecar
from gbm.plan.table import read_plans
from gbm.report import methods_text
from gbm.report.tables import MODEL_NAMES, POSTERIOR_NAMES
from gbm.results.metrics_table import POSTERIOR, read_metrics

NUMBER = re.compile(r"(?<![\w.])[−-]?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w]|\.\d)")
ROOT = Path(methods_text.__file__).parent


class Text(HTMLParser):
    """What a reader sees, without pictures, scripts and the settings that are JSON themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "pre", "code")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "pre", "code")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] += data


@pytest.fixture(scope="module", params=["slice", "volume", "volume without network"])
def patient(request: pytest.FixtureRequest, reported: Any) -> Any:
    """Of one slice, and of a whole tumour with a network and without."""
    return reported(request.param)


@pytest.fixture(scope="module")
def shown(patient: Any) -> Text:
    text = Text()
    text.feed(patient.files.page.read_text())
    return text


def numbers_in(value: Any) -> Iterator[float]:
    """All numbers of a JSON value, those inside sentences too."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, str):
        yield from (float(found) for found in NUMBER.findall(value.replace("−", "-")))
    elif value is not None and not isinstance(value, bool):
        yield float(value)


def shows(text: str, number: float) -> bool:
    """Whether a text is the number, or it in percent, rounded to the digits of the text."""
    shown = Decimal(text.replace("−", "-"))
    exponent = shown.as_tuple().exponent
    assert isinstance(exponent, int)
    half = 0.5001 * 10.0**exponent
    return any(abs(float(shown) - scale * number) <= half for scale in (1, -1, 100))


def beside_the_slice(params: dict[str, Any]) -> list[float]:
    """How far the slice's own fit is from the volume's: the only numbers made on the page."""
    alone = params["slice_fit"]
    if alone is None:
        return []
    keys = ("lambda_mm", "rhoT", "DT_mm2")
    apart = math.dist(alone["x0_mm"], params["x0_mm"])
    return [apart, *(alone[key] / params[key]["value"] - 1 for key in keys)]


def test_no_number_is_on_the_page_alone(patient: Any, shown: Text) -> None:
    params = read_json(patient.anat_file("desc-growth_params.json"))
    metrics = read_metrics(patient.anat_file("desc-growth_metrics.tsv"))
    known = [*numbers_in(params), *numbers_in(metrics), *beside_the_slice(params)]
    if patient.domain.dimensions == 3:
        table = patient.files.plan_metrics
        known += [*numbers_in(read_plans(table)), *numbers_in(read_json(sidecar(table)))]
    sources = [*ROOT.glob("*.py"), ROOT / "templates" / "page.html.j2"]
    fixed = {n for path in sources for n in NUMBER.findall(path.read_text(encoding="utf-8"))}
    text = re.sub(r"made \d{4}-\d\d-\d\d \d\d:\d\d UTC", "", " ".join(shown.words))
    found = [n for n in NUMBER.findall(text) if n not in fixed]
    assert len(found) > 100
    alone = [n for n in found if not any(shows(n, number) for number in known)]
    assert alone == []


def test_no_value_shows_as_an_object(shown: Text) -> None:
    """Neither a model's own spelling nor None reaches a reader."""
    assert not re.search(r"\bvalue=|\bNone\b|sd_posterior|<\w+ object", " ".join(shown.words))


def test_the_table_of_scores_is_the_metrics_file(patient: Any, shown: Text) -> None:
    metrics = read_metrics(patient.anat_file("desc-growth_metrics.tsv"))
    d = patient.domain.dimensions
    size = {2: "area_mm2", 3: "volume_ml"}[d]
    assert ("bilo_fdm" in metrics) == (patient.settings["fit"]["method"] == "bilo")
    for model in set(metrics) - set(POSTERIOR):  # it has no scores
        name, what = MODEL_NAMES[d][model]
        row = next(row for row in shown.rows if row and row[0] == name + what)
        cells = [cell.removesuffix(" ▲") for cell in row[1:]]
        wanted = [
            metrics[model][region][metric]
            for metric in ("dice", "hd95_mm", size)
            for region in ("WT", "TC")
        ]
        assert len(cells) == len(wanted)
        assert all(shows(c, w) for c, w in zip(cells, wanted, strict=True)), (model, cells, wanted)


def test_the_table_of_extents_is_the_metrics_file(patient: Any, shown: Text) -> None:
    metrics = read_metrics(patient.anat_file("desc-growth_metrics.tsv"))
    d = patient.domain.dimensions
    unit = {2: "mm2", 3: "ml"}[d]
    names = [f"extent_0.1_{unit}", "margin_0.1_mm", f"extent_0.01_{unit}", "margin_0.01_mm"]
    named = {model: MODEL_NAMES[d][model][0] for model in ("bilo_fdm", "direct_fdm")}
    for model, name in (named | POSTERIOR_NAMES).items():
        found = metrics.get(model, {}).get("WT", {})
        rows = [row for row in shown.rows if row[:1] == [name]]
        assert len(rows) == bool(found)
        for row in rows:
            cells = [cell.split()[0] for cell in row[1:]]  # text follows the table's last cell
            assert all(shows(c, found[n]) for c, n in zip(cells, names, strict=True))


def test_the_table_of_parameters_is_the_parameters_file(patient: Any, shown: Text) -> None:
    params = read_json(patient.anat_file("desc-growth_params.json"))
    head = next(row for row in shown.rows if "characteristic start" in row)
    own = "direct fit" if params["method"] == "direct" else "BiLO"
    for key, name in (("lambda_mm", "λ = √(D/ρ)"), ("rhoT", "ρT"), ("DT_mm2", "D·T")):
        row = next(
            row for row in shown.rows if row and row[0].startswith(name) and len(row) == len(head)
        )
        cells = dict(zip(head, row, strict=True))
        assert shows(cells[own], params[key]["value"])
        assert shows(cells["direct fit"], params["baselines"]["direct_fdm"][key])
        assert shows(cells["characteristic start"], params["characteristic"][key])
        assert shows(cells["median"], params[key]["median"])
        low, high = cells["90 % interval"].split(" to ")
        assert shows(low, params[key]["interval90"][0])
        assert shows(high, params[key]["interval90"][1])
        spreads = cells["sd: all / outlines / slices"].split(" / ")
        names = ("sd", "sd_posterior", "sd_slices")
        for shown_sd, sd in zip(spreads, (params[key][name] for name in names), strict=True):
            assert shown_sd == "–" if sd is None else shows(shown_sd, sd)
        assert (spreads[-1] == "–") == (patient.domain.dimensions == 3)


def test_the_slice_stands_beside_the_whole_tumour(patient: Any, shown: Text) -> None:
    params = read_json(patient.anat_file("desc-growth_params.json"))
    heads = [row for row in shown.rows if "slice alone" in row]
    assert len(heads) == (patient.domain.dimensions == 3)
    if not heads:
        return
    for key, name, digits in (("lambda_mm", "λ, mm", 2), ("rhoT", "ρT", 2)):
        row = next(row for row in shown.rows if row[:1] == [name] and len(row) == 4)
        whole, alone = params[key]["value"], params["slice_fit"][key]
        assert row[1:3] == [f"{whole:.{digits}f}", f"{alone:.{digits}f}"]
        side = "higher" if alone > whole else "lower"
        assert re.fullmatch(rf"on the slice \d+\s% {side}", row[3].strip())
        assert shows(row[3].split()[3].rstrip("%"), abs(alone / whole - 1))


def test_a_number_that_ships_nowhere_would_be_found() -> None:
    assert shows("0.98", 0.9793)
    assert not shows("0.98", 0.969)
    assert shows("1.2", 0.0123)  # percent
    assert shows("30", 0.3)
    assert not shows("0.981", 0.9793)
