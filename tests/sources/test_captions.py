"""Caption templates fill in two names and can do nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autophagy.core.errors import ConfigError, DataError
from autophagy.sources._captions import DIGITS, captioned, check_template, conditions

HOSTILE = [
    "{label.__class__}",
    "{name.__init__.__globals__}",
    "{label[0]}",
    "{0}",
    "{}",
    "{label!r}",
    "{label:>999999999}",
    "{label:{name}}",
    "{other}",
    "{label",
    "label}",
    "{label.__class__.__mro__[1].__subclasses__}",
]


@pytest.mark.parametrize("template", HOSTILE)
def test_templates_that_ask_for_more_are_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"^caption"):
        check_template(template)


@given(st.text(alphabet="{}[].!:_labelnm0 ", max_size=30))
def test_any_template_is_filled_in_as_plain_text_or_refused(template: str) -> None:
    try:
        captions = conditions(np.array([3]), template, DIGITS)
    except ConfigError:
        return
    expected = template.replace("{{", "\0").replace("}}", "\1")
    expected = expected.replace("{label}", "3").replace("{name}", "three").replace("\0", "{").replace("\1", "}")
    assert captions.tolist() == [expected]


def test_labels_become_captions_row_by_row() -> None:
    labels = np.array([7, 0, 7])
    captions = conditions(labels, "a {{photo}} of the digit {label}, {name}", DIGITS)
    assert captions.tolist() == [
        "a {photo} of the digit 7, seven",
        "a {photo} of the digit 0, zero",
        "a {photo} of the digit 7, seven",
    ]
    assert captions.dtype.kind == "U"


def test_without_a_template_labels_stay_labels() -> None:
    labels = np.array([7, 0])
    assert conditions(labels, None, DIGITS) is labels


def test_a_template_without_classes_to_fill_in_is_an_error() -> None:
    with pytest.raises(DataError, match="'x' has captions; leave caption out"):
        captioned(np.array(["a cat"]), "a {name}", None, "'x'")
    with pytest.raises(DataError, match="'x' has nothing; leave caption out"):
        captioned(None, "a {name}", None, "'x'")
