from __future__ import annotations

from autophagy.core.errors import listed


def test_names_with_commas_are_quoted_in_lists() -> None:
    assert listed([]) == "none"
    assert listed(["b", "a"]) == "a, b"
    assert listed(["b", "a, λ = 0.5"]) == "'a, λ = 0.5', 'b'"
    assert listed(["a, λ = 0.5"]) == "a, λ = 0.5"
