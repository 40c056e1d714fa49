"""Parts and recipes in a reader's words."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any, get_args

from autophagy.core.catalog import find, known_names
from autophagy.core.labels import part_label
from autophagy.core.parts import KINDS, Part
from autophagy.core.settings import described, hints
from autophagy.experiment.read import profiles, recipes, sweeps, value_of
from autophagy.simulate.files import sweep_text

from .terminal import cell, say, show, table, write

# "    name: text" or "    name, name: text", and what is further in
_ATTRIBUTE = re.compile(r"^    (\w+(?:, \w+)*): (.*(?:\n     +.*)*)", re.MULTILINE)


def show_parts(kind: str) -> None:
    write(cell(f"{kind}s", "bold underline"))
    for name in known_names(kind):
        part = find(kind, name)
        write(cell(f"{name}  ", "bold").append_text(cell(_first_line(part))))
        fields = list(settings(part))
        if fields:
            rows = table(("", "  setting", "is", "default", "what it is for"))
            rows.show_header = False
            for setting, kind_of, default, meaning in fields:
                rows.add_row("", cell(f"  {setting}", "cyan"), cell(kind_of), cell(default), cell(meaning, "dim"))
            show(rows)
    say()


def show_recipes() -> None:
    write(cell("recipes", "bold underline"))
    for name in recipes():
        text = (resources.files("autophagy.recipes") / f"{name}.toml").read_text(encoding="utf-8")
        scales = profiles(name)
        told = f"  (profiles: {', '.join(scales)})" if scales else ""
        write(cell(f"{name}  ", "bold").append_text(cell(_first_comment(text) + told)))
    for name in sweeps():
        write(cell(f"{name}  ", "bold").append_text(cell(_first_comment(sweep_text(name)) + "  (autophagy simulate)")))
    say()


def settings(part: type[Part]) -> Iterator[tuple[str, str, str, str]]:
    """Each setting's name, type, default and meaning, in words; what a part inherits is told where it comes from."""
    told = itertools.chain.from_iterable(_ATTRIBUTE.findall(_own_doc(each)) for each in reversed(part.__mro__))
    meanings = {name: " ".join(text.split()) for names, text in told for name in names.split(", ")}
    for field in dataclasses.fields(part):
        yield field.name, _type(hints(part)[field.name]), _default(field), meanings.get(field.name, "")


def _type(hint: Any) -> str:
    for kind, base in KINDS.items():
        inner = [h for h in (hint, *get_args(hint)) if isinstance(h, type)]
        if any(issubclass(h, base) for h in inner):
            named = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
            return f"a list of {kind}s" if Ellipsis in get_args(hint) else named
    return described(hint)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "must be said"
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return _shown(value)


def _shown(value: Any) -> str:
    """A value as TOML would say it."""
    if value is None:
        return "–"
    if isinstance(value, Part):
        return part_label(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_shown(inner) for inner in value)}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _own_doc(each: type) -> str:
    return inspect.cleandoc(each.__dict__.get("__doc__") or "")


def _first_line(part: type[Part]) -> str:
    return (inspect.getdoc(part) or "").partition("\n")[0]


def _first_comment(text: str) -> str:
    """The first sentence of the comment that a file begins with."""
    lines = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    told = " ".join(" ".join(line.lstrip("#") for line in lines).split())
    return re.split(r"(?<=\.) (?=[A-Z])", told, maxsplit=1)[0]  # not at "et al. 2023"


def parsed(change: str) -> tuple[str, Any]:
    """Reads "name=value", the value as TOML or else as a text."""
    name, _, text = change.partition("=")
    return name.strip(), value_of(text.strip(), f"--set {name.strip()}")
