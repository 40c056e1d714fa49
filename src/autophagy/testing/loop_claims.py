"""Claims about loops."""

from __future__ import annotations

from autophagy.core.parts import Loop

FAR = 40  # generations looked at


def _is_pure(loop: Loop) -> str | None:
    for generation in range(1, FAR):
        if loop.mixture(generation) != loop.mixture(generation):
            return f"generation {generation} has two different mixtures"
    return None


def _looks_back(loop: Loop) -> str | None:
    for generation in range(1, FAR):
        for draw in loop.mixture(generation).draws:
            if draw.pool.kind == "drawn" and not draw.pool.arm and not 0 <= draw.pool.generation < generation:
                return f"generation {generation} asks for {draw.pool}"
    return None


def _eats(loop: Loop) -> str | None:
    for generation in range(1, FAR):
        if not loop.mixture(generation).draws:
            return f"generation {generation} trains on nothing"
    return None


def _founds_on_real_data(loop: Loop) -> str | None:
    if not loop.founder().draws or any(draw.pool.kind == "drawn" for draw in loop.founder().draws):
        return "the founder's mixture must be of real data"
    return None


def _says_how_much_is_fresh(loop: Loop) -> str | None:
    for generation in range(1, FAR):
        for draw in loop.mixture(generation).draws:
            if draw.pool.kind == "fresh" and draw.size is None and draw.per_group is None and not draw.as_real:
                return f"generation {generation} draws fresh data without a number"
    return None


LOOP = (
    ("a generation's mixture depends on its number alone", _is_pure),
    ("a generation never reads its own output or later ones", _looks_back),
    ("every generation trains on something", _eats),
    ("the founder trains on real data", _founds_on_real_data),
    ("draws of fresh data say how much", _says_how_much_is_fresh),
)
