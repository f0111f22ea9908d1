"""The verdict on a patient: a traffic light, and what every gate said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from gbm.config.model import Model
from gbm.results.estimate import Number

Colour = Literal["green", "amber", "red"]
COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
"""From good to bad."""


class Judgement(Model):
    """What a gate says about a number, see `gbm.judging.gate.Gate`."""

    number: str = Field(description="name of the number")
    group: str = Field(description="what is judged: registration, tissue, tumour or fit")
    value: Number = Field(description="the number; null: infinite or not a number")
    limit: str = Field(description="the accepted range in words")
    colour: Colour = Field(description="green: passed")
    meaning: str = Field(default="", description="what a failure means; empty where passed")
    advice: str = Field(default="", description="what to do then; empty where passed")


class Verdict(Model):
    """A traffic light with its reasons."""

    colour: Colour = Field(description="the worst of the gates")
    reasons: tuple[str, ...] = Field(
        description="meaning and advice of every failed gate, hard ones first"
    )
    gates: tuple[Judgement, ...] = Field(
        description="every gate whose number exists for this patient"
    )


def worst(colours: Iterable[Colour]) -> Colour:
    """The worst of several colours; green where there is none."""
    return max(colours, key=COLOURS.index, default="green")
