"""How an arm looks: the same colour and marker in every figure, told apart without colour too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Colours with at least 3 : 1 against their background; `mark` is a shape's name in both renderers."""

    light: str
    dark: str
    mark: str
    dash: tuple[int, ...]  # of a measured line, in its widths; empty for solid


_COLOURS = (  # light, dark; after Okabe & Ito 2008, darkened and lightened until they can be read
    ("#c2410c", "#ff8f57"),
    ("#0369a1", "#5cb8f5"),
    ("#047857", "#3ecf9f"),
    ("#a3366f", "#f29aca"),
    ("#8a6100", "#eebb3d"),
    ("#454f5b", "#c6ced8"),
    ("#5b3fb5", "#b3a2ff"),
)
_MARKS = ("circle", "square", "triangle", "diamond", "nabla", "plus", "cross", "star")
_DASHES: tuple[tuple[int, ...], ...] = ((), (7, 2), (7, 2, 2, 2))

MATPLOTLIB = dict(zip(_MARKS, "os^Dv+x*", strict=True))
PATHS = {  # around (0, 0), for an SVG path; filled and stroked in the arm's colour
    "circle": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "square": "m-2.7-2.7h5.4v5.4h-5.4z",
    "triangle": "m0-3.6l3.4 6h-6.8z",
    "diamond": "m0-3.8l3.2 3.8l-3.2 3.8l-3.2-3.8z",
    "nabla": "m0 3.6l3.4-6h-6.8z",
    "plus": "m-3.4 0h6.8m-3.4-3.4v6.8",
    "cross": "m-2.6-2.6l5.2 5.2m0-5.2l-5.2 5.2",
    "star": "m0-4l1.2 2.6 2.8.3-2.1 1.9.6 2.8-2.5-1.4-2.5 1.4.6-2.8-2.1-1.9 2.8-.3z",
}


def look(i: int) -> Look:
    """The look of arm i: 24 differ without their colour, 168 with it."""
    light, dark = _COLOURS[i % len(_COLOURS)]
    return Look(light, dark, _MARKS[i % len(_MARKS)], _DASHES[i // len(_MARKS) % len(_DASHES)])
