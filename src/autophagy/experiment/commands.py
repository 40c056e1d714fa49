"""Which programs of this machine an experiment would start; shown to a person before any of them is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from autophagy.core.errors import PlanError
from autophagy.core.parts import Part, StartsPrograms
from autophagy.core.workspace import Machine

from .config import Experiment


def commands(experiment: Experiment) -> Mapping[tuple[str, ...], list[str]]:
    """The arms that share each set of commands."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, arm in experiment.arms.items():
        for part in (arm.source, arm.model, arm.loop, *arm.curators, *arm.metrics):
            for told in told_by(part):
                found.setdefault(told, []).append(name)
    return found


def told_by(part: Part) -> Iterator[tuple[str, ...]]:
    """The commands of a part, and of the parts in its fields."""
    if isinstance(part, StartsPrograms):
        yield part.commands()
    for field in dataclasses.fields(part):
        inner = getattr(part, field.name)
        for own in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(own, Part):
                yield from told_by(own)


def permit(experiment: Experiment, machine: Machine) -> None:
    """Raises PlanError, with every command in full, if there are any and nobody has allowed them."""
    found = {} if machine.allow_commands else commands(experiment)
    if found:
        raise PlanError(
            f"{'; '.join(map(sentence, found, found.values()))}. Whoever wrote these lines could do with them whatever "
            "you can do yourself, and nothing was started; read them, and if you trust them say --allow-commands (in "
            "Python machine = Machine(allow_commands=True))."
        )


def sentence(told: tuple[str, ...], arms: list[str]) -> str:
    """ "arms 'a', 'b' would start programs of this machine: train: …"."""
    named = ", ".join(f"'{arm}'" for arm in arms)
    return f"arm{'s' * (len(arms) > 1)} {named} would start programs of this machine: {'; '.join(told)}"
