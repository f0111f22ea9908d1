"""The oracle of the tests, which `bilo.check` uses too: see `bilo.lower.textbook`."""

from bilo.lower.textbook import (
    Oracle,
    Textbook,
    by,
    derivatives_of,
    field_and_derivatives,
    nested,
    no_shift,
    plain_field,
    plain_fields,
    plain_input,
    plain_network,
    tangents_of,
)

__all__ = [
    "Oracle",
    "Textbook",
    "by",
    "derivatives_of",
    "field_and_derivatives",
    "nested",
    "no_shift",
    "plain_field",
    "plain_fields",
    "plain_input",
    "plain_network",
    "tangents_of",
]
