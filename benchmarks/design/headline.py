"""A row of the opening table of results: one number a reader can compare."""

from __future__ import annotations

from dataclasses import dataclass

Truth = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Headline:
    """What is compared of an experiment, in plain words, and where it stands in a result.

    Attributes
    ----------
    measure : str
        What the numbers of the row are.
    fields : tuple of str
        Of a result, a dot leads into a field; the largest counts. None given: the relative errors
        of all unknowns.
    noise : float
        Standard deviation, of the data that are compared.
    truth : tuple of (str, float)
        Of these data, where an experiment has several: values, or numbers of examples.
    published : str
        A quantity of ``published.tsv``.
    unpublished : str
        Why there is none.
    classical : str
        A field of BiLO's results with the classical number, where no classical method is run.
    unit : str
        ``%``: the numbers are parts of one.
    part_wrong : bool
        Whether the numbers are parts that are right, of which the rest is shown.
    """

    measure: str = "error of the unknown"
    fields: tuple[str, ...] = ()
    noise: float = 0.0
    truth: Truth = ()
    published: str = ""
    unpublished: str = "not in the paper"
    classical: str = ""
    unit: str = "%"
    part_wrong: bool = False
