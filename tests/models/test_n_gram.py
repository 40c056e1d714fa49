"""Model `n-gram`: counts, smoothing, temperature, prompts and drift, against answers worked out by hand."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chisquare

from autophagy.core.errors import ConfigError, Damaged, DataError, Diverged
from autophagy.core.known import Tokenised
from autophagy.core.parts import LinearFamily
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.models.n_gram import NGram
from autophagy.testing import toys

TEXTS = np.array(
    ["the sea is the sea", "a ship is on the sea", "the king is on a ship", "a king and a king", "the sea and the ship"]
)
SMOOTHED = {
    "none": {},
    "add-k": {"smoothing": "add-k", "k": 0.3},
    "witten-bell": {"smoothing": "interpolated"},
    "jelinek-mercer": {"smoothing": "interpolated", "weights": [0.9, 0.7, 0.5]},
}


def outcomes(sampler, history):
    """The probability of every unit, and of the end if there is one, after words."""
    ids = {word: i for i, word in enumerate(sampler.types.tolist())}
    padded = [sampler.signs.begin] * len(sampler.tables) + [ids.get(w, sampler.signs.unknown) for w in history]
    ahead = len(sampler.tables) - 1
    before = np.tile(np.array(padded[len(padded) - ahead :], np.int64), (sampler.signs.outcomes, 1))
    return sampler.probabilities(before, np.arange(sampler.signs.outcomes))


def by_hand(texts, order, settings, types, text):
    """−ln p of a text and its end, from dictionaries of counts, one unit at a time."""
    counts = [Counter() for _ in range(order)]
    for one in texts.tolist():
        units = ["<b>"] * (order - 1) + one.split() + ["<e>"]
        for at in range(order - 1, len(units)):
            for m in range(order):
                counts[m][(tuple(units[at - m : at]), units[at])] += 1
    v = len(types) + 1

    def seen(m, context):
        return {unit: n for (before, unit), n in counts[m].items() if before == context}

    def chance(m, context, unit):
        if m < 0:
            return 1 / v
        context = context[len(context) - m :]
        after = seen(m, context)
        total = sum(after.values())
        kind = settings.get("smoothing", "none")
        if kind == "add-k":
            return (after.get(unit, 0) + settings["k"]) / (total + settings["k"] * v)
        if not total:
            return chance(m - 1, context, unit)
        if kind == "none":
            return after.get(unit, 0) / total
        weight = settings["weights"][m] if "weights" in settings else total / (total + len(after))
        return weight * after.get(unit, 0) / total + (1 - weight) * chance(m - 1, context, unit)

    units = ["<b>"] * (order - 1) + text.split() + ["<e>"]
    found = [chance(order - 1, tuple(units[at - order + 1 : at]), units[at]) for at in range(order - 1, len(units))]
    with np.errstate(divide="ignore"):
        return -np.log(found).sum(), len(found)


@pytest.mark.parametrize("settings", SMOOTHED.values(), ids=SMOOTHED)
def test_surprise_is_what_dictionaries_of_counts_say(settings, fit) -> None:
    sampler = fit(NGram(order=3, **settings), TEXTS)
    asked = np.array(["the sea is on a ship", "a king", "", "king king king", "the sea is the sea"])
    nats, tokens = sampler.surprise(asked)
    for text, nat, token in zip(asked.tolist(), nats, tokens, strict=True):
        assert (pytest.approx(nat), token) == by_hand(TEXTS, 3, settings, sampler.types, text)
    assert np.isinf(nats).any() == (not settings)


@pytest.mark.parametrize("settings", SMOOTHED.values(), ids=SMOOTHED)
@pytest.mark.parametrize("length", [None, 5])
def test_probabilities_of_all_that_can_come_sum_to_one(settings, length, fit) -> None:
    sampler = fit(NGram(order=3, length=length, **settings), TEXTS)
    assert sampler.signs.outcomes == len(sampler.types) + (length is None)
    for history in ([], ["the"], ["the", "sea"], ["sea", "ship"], ["never", "heard"], ["never", "the"]):
        found = outcomes(sampler, history)
        assert found.sum() == pytest.approx(1)
        assert (found > 0).all() or not settings


@pytest.mark.parametrize("settings", SMOOTHED.values(), ids=SMOOTHED)
@pytest.mark.parametrize("bias", [1.0, 0.5, 0.05])
def test_draws_have_the_tempered_probabilities(settings, bias, fit, draw) -> None:
    sampler = fit(NGram(order=3, length=1, **settings), TEXTS)
    for prompt in ("the sea", "never the", "nobody knows"):
        expected = outcomes(sampler, prompt.split()) ** (1 / bias)
        drawn = draw(sampler, 20_000, condition=np.repeat(prompt, 20_000), bias=bias)
        counts = np.array([(drawn == word).sum() for word in sampler.types.tolist()])
        possible = expected / expected.sum() > 1e-3
        assert counts[~possible].sum() < 200
        assert counts.sum() == 20_000
        if possible.sum() > 1:
            expected = expected[possible] / expected[possible].sum()
            assert chisquare(counts[possible], counts[possible].sum() * expected).pvalue > 1e-4


def test_a_bigram_says_only_what_was_seen(fit, draw) -> None:
    seen = {pair for text in TEXTS.tolist() for pair in pairwise(["", *text.split(), ""])}
    drawn = draw(fit(NGram(), TEXTS), 2000).tolist()
    said = {pair for text in drawn for pair in pairwise(["", *text.split(), ""])}
    assert said == seen
    assert set(drawn) - set(TEXTS.tolist())  # and yet new texts


def test_a_context_that_was_never_seen_is_shortened(fit, draw) -> None:
    sampler = fit(NGram(order=3, length=2), np.array(["a b c", "d b e"]))
    assert set(draw(sampler, 200, condition=np.repeat("zzz b", 200))) <= {"c a", "c b", "c c", "c d", "c e"} | {
        "e a", "e b", "e c", "e d", "e e",
    }  # fmt: skip
    np.testing.assert_allclose(outcomes(sampler, ["zzz", "b"]), [0, 0, 1 / 2, 0, 1 / 2])
    np.testing.assert_allclose(outcomes(sampler, ["b", "zzz"]), [1 / 6, 1 / 3, 1 / 6, 1 / 6, 1 / 6])


def test_a_text_goes_on_from_the_end_of_its_prompt(fit, draw) -> None:
    sampler = fit(NGram(order=2, length=3), np.array(["b c d", "y z z"]), condition=np.array(["x a", "a x"]))
    drawn = draw(sampler, 40, condition=np.array(["x a", "what x"] * 20))
    assert set(drawn[0::2]) == {"b c d"}
    assert all(text.startswith("y z z") for text in drawn[1::2])


def test_a_real_text_that_holds_its_prompt_begins_with_it(fit, draw) -> None:
    sampler = fit(NGram(order=3, length=2), np.array(["a b c d", "b c e"]), condition=np.array(["a b", "x a"]))
    assert outcomes(sampler, []).tolist() == [1, 0, 0, 0, 0, 0]  # a text begins with a
    assert set(draw(sampler, 20, condition=np.repeat("x a", 20))) == {"b c"}
    assert set(draw(sampler, 50, condition=np.repeat("what b", 50))) == {"c d", "c e"}


def test_characters_keep_white_space(fit, draw) -> None:
    texts = np.array(["ab\nab\n", " a b"])
    sampler = fit(NGram(order=3, unit="character"), texts)
    assert sampler.types.tolist() == ["\n", " ", "a", "b"]
    assert set(draw(sampler, 400)) >= set(texts)


def test_rows_of_tokens_come_back_as_such(fit, draw) -> None:
    rows = np.array([[7, 500, 7, 3], [3, 7, 500, 3]], np.int32)
    drawn = draw(fit(NGram(order=2), rows), 300)
    assert (drawn.dtype, drawn.shape) == (np.int32, (300, 4))
    assert set(drawn[:, 0]) == {3, 7}
    assert {tuple(pair) for pair in np.stack([drawn[:, :-1], drawn[:, 1:]], -1).reshape(-1, 2).tolist()} == {
        (7, 500), (500, 7), (7, 3), (3, 7), (500, 3),
    }  # fmt: skip
    assert fit(NGram(order=1), rows).surprise(rows[:1])[1].tolist() == [4]


def test_texts_without_an_end_are_cut(fit, draw) -> None:
    texts = np.array([" ".join("abcdefgh" * 200)])
    drawn = draw(fit(NGram(longest=70), texts), 20)
    assert {len(text.split()) for text in drawn.tolist()} == {70}


def test_a_text_does_not_depend_on_those_beside_it(fit, draw) -> None:
    for settings in SMOOTHED.values():
        sampler = fit(NGram(order=3, **settings), TEXTS)
        for bias in (1.0, 0.5):
            few, many = draw(sampler, 3, bias=bias), draw(sampler, 50, bias=bias)
            np.testing.assert_array_equal(few, many[:3])


def test_the_vocabulary_is_the_training_sets_with_what_is_named(fit) -> None:
    smooth = {"order": 1, "smoothing": "add-k", "length": 2}
    assert fit(NGram(**smooth), np.array(["b a"])).types.tolist() == ["a", "b"]
    named = fit(NGram(vocabulary=("z", "a"), **smooth), np.array(["b a"]))
    assert named.types.tolist() == ["a", "b", "z"]
    np.testing.assert_allclose(outcomes(named, []), [2 / 5, 2 / 5, 1 / 5])
    begun = fit(NGram(**smooth), np.array(["c"]), start=named)
    assert begun.types.tolist() == ["a", "b", "c", "z"]
    tokens = fit(NGram(vocabulary=5, **smooth), np.array([[1, 1, 2]], np.int32))
    np.testing.assert_allclose(outcomes(tokens, []), np.array([1, 3, 2, 1, 1]) / 8)


def test_what_follows_a_prompt_is_no_beginning(fit) -> None:
    sampler = fit(NGram(order=2, length=2), np.array(["c d"]), np.array(["a b"]))
    assert np.isinf(sampler.surprise(np.array(["d d"]), after=np.array(["a b"]))[0][0])
    drawn = sampler.sample(3, condition=np.array(["a b"] * 3), bias=1.0, seed=Seed(("draw",)))
    nats, units = sampler.surprise(drawn, after=np.array(["a b"] * 3))
    assert (drawn.tolist(), nats.tolist(), units.tolist()) == (["c d"] * 3, [0.0] * 3, [2] * 3)
    np.testing.assert_allclose(sampler.surprise(drawn)[0], np.log(2))  # no beginning was seen: of two words the one


def test_one_text_that_repeats_its_prompt_is_no_sign_that_it_holds_it() -> None:
    def fitted(*texts: str):
        drawn = Pool.born(np.array(texts), Origin("drawn", 3), condition=np.array(["a b"] * len(texts)))
        return NGram(order=2, length=3).fit(drawn, start=None, seed=Seed(("fit",)), workspace=toys.workspace())

    after = fitted("a b c", "c c c").surprise(np.array(["c c c"]), after=np.array(["a b"]))[0]
    assert after == pytest.approx(np.log(3 / 2))  # "a b" stands before both: "b" was followed by "a" once, by "c" twice
    beginnings = fitted("a b c", "a b d").surprise(np.array(["a b c"]))[0]
    assert beginnings == pytest.approx(np.log(2))  # both hold their prompt: a text begins with "a b"


def test_a_rest_that_begins_with_the_letters_of_its_prompt_does_not_hold_it(fit) -> None:
    prompts, rests = np.array(["I", "I", "we"]), np.array(["Indeed sir", "am old", "are not"])
    after = fit(NGram(order=2), rests, prompts).surprise(np.array(["Indeed sir"]), after=np.array(["I"]))[0]
    assert np.isfinite(after)


def test_what_cannot_come_is_infinitely_surprising(fit) -> None:
    nats, tokens = fit(NGram(order=1, smoothing="interpolated"), TEXTS).surprise(np.array(["the gull", "the sea"]))
    assert np.isinf(nats[0])
    assert np.isfinite(nats[1])
    assert tokens.tolist() == [3, 3]


@pytest.mark.parametrize("settings", list(SMOOTHED.values())[1:], ids=list(SMOOTHED)[1:])
@pytest.mark.parametrize("length", [None, 5])
def test_all_unknown_units_are_one_more_outcome(settings, length, fit) -> None:
    sampler = fit(NGram(order=3, length=length, unknown=True, **settings), TEXTS)
    unknown = sampler.signs.unknown
    for history in ([], ["the"], ["the", "sea"], ["never", "heard"], ["never", "the"]):
        ids = {word: i for i, word in enumerate(sampler.types.tolist())}
        before = [*[sampler.signs.begin] * 2, *(ids.get(word, unknown) for word in history)][-2:]
        coming = np.array([*range(sampler.signs.drawn), unknown])
        found = sampler.probabilities(np.tile(before, (len(coming), 1)), coming)
        assert found.sum() == pytest.approx(1)
        assert (found > 0).all()
    nats, units = sampler.surprise(np.array(["the gull", "the kite", "gull the sea"]))
    assert np.isfinite(nats).all()
    assert nats[0] == nats[1]
    assert units.tolist() == [2 + (length is None)] * 2 + [3 + (length is None)]


def test_what_an_unknown_unit_costs_by_hand(fit, tmp_path) -> None:
    laplace = NGram(order=1, length=4, smoothing="add-k", unknown=True)
    sampler = fit(laplace, np.array(["a b a a"]))
    assert np.exp(-sampler.surprise(np.array(["a", "b", "zoo"]))[0]) == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    mixed = fit(NGram(order=1, length=4, smoothing="interpolated", unknown=True), np.array(["a b a a"]))
    assert np.exp(-mixed.surprise(np.array(["a", "zoo"]))[0]) == pytest.approx([(4 * 3 / 4 + 2 / 3) / 6, 2 / 3 / 6])
    sampler.save(tmp_path)
    assert laplace.load(tmp_path).surprise(np.array(["zoo"]))[0] == sampler.surprise(np.array(["zoo"]))[0]


@pytest.mark.parametrize("bias", [1.0, 0.5])
@pytest.mark.parametrize("settings", list(SMOOTHED.values())[1:], ids=list(SMOOTHED)[1:])
def test_unknown_units_are_not_drawn_and_the_others_keep_their_proportions(settings, bias, fit, draw) -> None:
    sampler = fit(NGram(order=3, length=1, unknown=True, **settings), TEXTS)
    drawn = draw(sampler, 20_000, condition=np.repeat("the sea", 20_000), bias=bias)
    counts = np.array([(drawn == word).sum() for word in sampler.types.tolist()])
    before = np.searchsorted(sampler.types, ["the", "sea"])
    expected = sampler.probabilities(np.tile(before, (sampler.signs.drawn, 1)), np.arange(sampler.signs.drawn))
    expected = 20_000 * expected ** (1 / bias) / (expected ** (1 / bias)).sum()
    assert counts.sum() == 20_000
    common = expected > 10
    assert (counts[~common] < 40).all()
    if common.sum() > 1:
        shares = expected[common] / expected[common].sum()
        assert chisquare(counts[common], counts[common].sum() * shares).pvalue > 1e-4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unknown": True}, "unknown = true needs"),
        ({"weights": [0.5, 0.5]}, "weights are for smoothing"),
        ({"smoothing": "interpolated", "weights": [0.5]}, "one for each of the orders 1 to 2"),
        ({"vocabulary": ["two words"]}, "vocabulary must be of words"),
        ({"vocabulary": ["ab"], "unit": "character"}, "vocabulary must be of characters"),
        ({"order": 0}, "order must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        NGram(**settings)


class _Source(Tokenised):
    name = "rows"
    width = 3

    def __init__(self, prompts):
        self.prompts = prompts

    def conditions(self, split):
        return self.prompts

    def vocabulary(self):
        return ""

    def texts(self, rows):
        return rows.astype(str)


def test_a_source_that_cannot_be_read_is_refused_by_the_plan(fit) -> None:
    assert "with prompts in words" in str(NGram().objection(_Source(np.array(["a"])), NGram()))
    assert "vocabulary lists units of texts" in str(NGram(vocabulary=("a",)).objection(_Source(None), NGram()))
    assert NGram(vocabulary=3).objection(_Source(None), NGram()) is None
    with pytest.raises(DataError, match="prompts as it reads texts"):
        fit(NGram(), np.array([[1, 2]], np.int32), condition=np.array(["a"]))
    with pytest.raises(DataError, match="vocabulary of the other kind"):
        fit(NGram(vocabulary=9), TEXTS)
    with pytest.raises(Diverged, match="without a single unit"):
        fit(NGram(length=3), np.array(["", " "]))


def test_empty_texts_are_texts(fit, draw) -> None:
    assert set(draw(fit(NGram(), np.array(["", " "])), 5)) == {""}


def test_a_spoilt_vocabulary_is_damage(fit, tmp_path) -> None:
    fit(NGram(), TEXTS).save(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"types": 3}')
    with pytest.raises(Damaged, match=r"vocabulary\.json is not the vocabulary"):
        NGram().load(tmp_path)


def test_a_saved_sampler_has_the_same_surprises(fit, tmp_path) -> None:
    model = NGram(order=3, smoothing="interpolated")
    sampler = fit(model, TEXTS)
    sampler.save(tmp_path)
    np.testing.assert_array_equal(model.load(tmp_path).surprise(TEXTS)[0], sampler.surprise(TEXTS)[0])


def test_the_forecast_covers_unigrams_of_one_length_only() -> None:
    assert NGram(order=1, length=8).linear_family() == LinearFamily(takes_bias=False, points=8)
    others = ({"order": 1}, {"order": 2, "length": 8}, {"order": 1, "length": 8, "smoothing": "add-k"})
    assert [NGram(**settings).linear_family() for settings in others] == [None] * 3


def test_smoothing_over_the_founders_vocabulary_brings_words_back(fit, draw) -> None:
    model = NGram(order=1, length=3, smoothing="add-k", k=0.5)
    founder = sampler = fit(model, np.array(["a b c", "d e f"]))
    for generation in range(30):
        drawn = sampler.sample(2, condition=None, bias=1.0, seed=Seed((generation,)))
        sampler = fit(model, drawn, start=founder, seed=generation)
    assert sampler.types.tolist() == founder.types.tolist()
    assert (outcomes(sampler, []) > 0).all()
