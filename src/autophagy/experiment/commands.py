"""What an experiment needs of this machine: packages, and programs that a person is shown before any is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autophagy.core.abilities import StartsPrograms
from autophagy.core.errors import PlanError
from autophagy.core.identity import parts_within
from autophagy.core.parts import Part
from autophagy.core.workspace import Machine

from .config import Arm, Experiment


def commands(experiment: Experiment) -> Mapping[tuple[str, ...], list[str]]:
    """The arms that share each set of commands."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, arm in experiment.arms.items():
        for part in parts_of(arm):
            if isinstance(part, StartsPrograms):
                found.setdefault(part.commands(), []).append(name)
    return found


def told_by(part: Part) -> Iterator[tuple[str, ...]]:
    """The commands of a part, and of the parts in its fields."""
    return (each.commands() for each in parts_within(part) if isinstance(each, StartsPrograms))


def parts_of(arm: Arm) -> Iterator[Part]:
    """Those in an arm, and within them."""
    for part in (arm.source, arm.model, arm.loop, *arm.curators, *arm.metrics):
        yield from parts_within(part)


def permit(experiment: Experiment, machine: Machine) -> None:
    """Raises PlanError, with every command in full, if nobody has allowed them; and if what they start is not here."""
    found = {} if machine.allow_commands else commands(experiment)
    if found:
        raise PlanError(
            f"{'; '.join(map(sentence, found, found.values()))}. Whoever wrote these lines could do with them whatever "
            "you can do yourself, and nothing was started; read them, and if you trust them say --allow-commands (in "
            "Python machine = Machine(allow_commands=True))."
        )
    check_machine(experiment)


def check_machine(experiment: Experiment) -> None:
    """Raises PlanError if this machine lacks a package or program; a run that is only read can do without them."""
    for name, arm in experiment.arms.items():
        for part in parts_of(arm):
            if lacking := part.lacking():
                raise PlanError(f"arm '{name}': {lacking}")


def kept_to_one(experiment: Experiment, machine: Machine) -> list[str]:
    """The models whose fits would use one device, where the machine has several for each."""
    models = {arm.model.name for arm in experiment.arms.values() if not arm.model.spreads}
    return sorted(models) if machine.devices > 1 else []


def sentence(told: tuple[str, ...], arms: list[str]) -> str:
    """ "arms 'a', 'b' would start programs of this machine: train: …"."""
    named = ", ".join(f"'{arm}'" for arm in arms)
    return f"arm{'s' * (len(arms) > 1)} {named} would start programs of this machine: {'; '.join(told)}"
