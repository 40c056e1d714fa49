"""Class labels turned into captions by a template such as "a photo of the digit {label}"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np

from autophagy.core.errors import ConfigError, DataError
from autophagy.core.settings import shown

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FIELDS = ("label", "name")
Names = Mapping[int, str] | Sequence[str]


def check_template(template: str | None) -> None:
    """Refuses a template with anything in braces but {label} and {name}."""
    if template is not None:
        _parsed(template)


def conditions(labels: np.ndarray, template: str | None, names: Names) -> np.ndarray:
    """Returns `(n,)` the labels themselves, or with a template their captions; `names[i]` is what label i is called."""
    if template is None:
        return labels
    parts = _parsed(template)
    present, row = np.unique(labels, return_inverse=True)
    texts = [_filled(parts, {"label": str(label), "name": names[label]}) for label in present.tolist()]
    captions: np.ndarray = np.array(texts, dtype=np.str_)[row]
    captions.setflags(write=False)
    return captions


def captioned(column: np.ndarray | None, template: str | None, names: Names | None, where: str) -> np.ndarray | None:
    """`conditions` for data of one's own, which may hold captions already, or nothing; `names` is None then."""
    if template is None:
        return column
    if column is None or names is None:
        found = "nothing" if column is None else "captions"
        raise DataError(f"caption needs class labels to fill in, but {where} has {found}; leave caption out.")
    return conditions(column, template, names)


def _parsed(template: str) -> list[tuple[str, str | None]]:
    """Literal texts, each with the field that follows it.

    Not `str.format`: its attribute look-ups, conversions and widths have no business in a caption.
    """
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as problem:
        raise ConfigError(f"caption {shown(template)} is no template: {problem}; use {{label}} or {{name}}.") from None
    for _, field, width, conversion in pieces:
        if field is not None and (field not in FIELDS or width or conversion):
            raise ConfigError(f"caption may hold only {{label}} and {{name}} in braces, but is {shown(template)}.")
    return [(literal, field) for literal, field, _, _ in pieces]


def _filled(parts: list[tuple[str, str | None]], values: dict[str, str]) -> str:
    return "".join(literal + (values[field] if field else "") for literal, field in parts)
