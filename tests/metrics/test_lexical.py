"""Metrics `lexical` and `novelty`, by numbers that can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.pool import Origin, Pool
from autophagy.metrics.vocabulary_kept import VocabularyKept
from autophagy.testing import toys

REAL = np.array(["the sea is wide", "the king is old and the king is grey"])


def test_what_lexical_says_of_two_texts(measure):
    found = measure("lexical", np.array(["the sea the sea the sea", "a king"]), REAL, {"grams": 4})
    assert found["types"] == 4
    assert found["types_new"] == 1  # a
    assert found["types_lost"] == 5  # is, wide, old, and, grey
    assert found["distinct_1"] == pytest.approx(4 / 8)
    assert found["distinct_2"] == pytest.approx(3 / 6)
    assert found["distinct_3"] == pytest.approx(2 / 4)
    assert found["distinct_3_at"] == pytest.approx(2 / 4)  # all four
    assert found["entropy"] == pytest.approx(-2 * 3 / 8 * np.log(3 / 8) - 2 / 8 * np.log(1 / 8))
    assert found["repetition"] == pytest.approx(1 - 2 / 3)  # the second text has no four words
    assert found["length"] == 4
    assert found["length_se"] == pytest.approx(2)


def test_distinct_falls_with_length_and_its_rarefied_form_does_not(measure):
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(500)])
    short, long = (np.array([" ".join(rng.choice(words, n)) for _ in range(20)]) for n in (60, 600))
    few, many = (measure("lexical", texts, REAL, {"grams": 1000}) for texts in (short, long))
    assert many["distinct_1"] < 0.2 * few["distinct_1"]
    assert many["distinct_1_at"] == pytest.approx(few["distinct_1_at"], rel=0.03)
    assert np.isnan(measure("lexical", REAL, REAL)["distinct_1_at"])


def test_tokens_are_counted_as_they_are(measure):
    rows, real = np.array([[5, 5, 9], [9, 5, 7]], np.int32), np.array([[5, 1, 2], [3, 4, 5]], np.int32)
    found = measure("lexical", rows, real)
    assert [found[name] for name in ("types", "types_lost", "types_new", "length")] == [3, 4, 2, 3]
    same = measure("lexical", np.array(["e e i", "i e g"]), np.array(["e a b", "c d e"]))
    np.testing.assert_equal(found, same)


def test_characters_can_be_counted(measure):
    assert measure("lexical", np.array(["ab a"]), REAL, {"unit": "character"})["types"] == 3


def test_nothing_said_is_no_number(measure):
    found = measure("lexical", np.array(["", " "]), REAL)
    assert found["types"] == found["length"] == 0
    assert np.isnan([found[name] for name in ("entropy", "distinct_1", "repetition", "zipf_slope")]).all()


def kept(texts, founders, **settings):
    pools = [Pool.born(np.asarray(some), Origin("x", 0)) for some in (texts, founders)]
    generation = replace(toys.generation("text"), samples=pools[0], founder_samples=pools[1])
    metric = VocabularyKept(**settings)
    return metric.measure(generation), metric.identity(generation)


def test_words_are_held_against_what_generation_0_said():
    found, about = kept(["the sea the gull", "a gull"], ["the sea is wide", "the king"])
    assert found == {"kept": 2 / 5, "lost": 3, "new": 2}
    assert about == {"n": 2, "n_founder": 2, "unit": "word"}
    assert kept(["the king"], ["the king"])[0] == {"kept": 1, "lost": 0, "new": 0}
    assert kept(["ab"], ["bc"], unit="character")[0] == {"kept": 1 / 2, "lost": 1, "new": 1}
    rows = np.array([[5, 7]], np.int32), np.array([[7, 9]], np.int32)
    assert kept(*rows)[0] == {"kept": 1 / 2, "lost": 1, "new": 1}
    assert kept(*rows)[1]["unit"] == "token"
    assert np.isnan(kept(["a"], [""])[0]["kept"])
    with pytest.raises(DataError, match="needs what generation 0 drew, but there is none"):
        VocabularyKept().measure(replace(toys.generation("text"), founder_samples=None))


def test_ranks_go_up():
    with pytest.raises(ConfigError, match="ranks must be the first and the last"):
        build("metric", {"use": "lexical", "ranks": [9, 3]})


def test_novelty_is_the_longest_copied_span(measure):
    drawn = np.array(["see the king is old", "wide the king", "zebra", "the king is old and the king is grey"])
    held_out = np.array(["the sea was calm", "nothing"])
    found = measure("novelty", drawn, held_out, real=REAL, control=held_out)
    spans = np.array([4, 2, 0, 9])
    assert found["mean"] == pytest.approx(spans.mean())
    assert found["mean_se"] == pytest.approx(spans.std(ddof=1) / 2)
    assert (found["median"], found["max"]) == (3, 9)
    assert found["share"] == pytest.approx(np.mean([4 / 5, 2 / 3, 0, 1]))
    assert found["whole"] == pytest.approx(1 / 4)
    assert found["control"] == pytest.approx(1)
    assert found["excess"] == pytest.approx(spans.mean() - 1)


def test_copies_of_held_out_texts_are_new(measure):
    held_out = np.array(["once upon a time there was a sea"])
    assert measure("novelty", held_out, held_out, real=REAL, control=held_out)["excess"] == 0


def test_a_prompt_that_samples_hold_is_no_copy_of_theirs():
    generation = replace(toys.generation("text"), real=Pool.born(REAL, Origin("real", -1)))
    prompts, rests = np.array(["the king is", "the sea"]), np.array([" old too", " was calm"])

    def spans(texts):
        drawn = Pool.born(texts, Origin("drawn", 1), condition=prompts)
        return build("metric", "novelty").measure(replace(generation, samples=drawn))

    assert spans(np.strings.add(prompts, rests)) == spans(rests)
    assert spans(rests)["mean"] == pytest.approx(1 / 2)  # "old"
    assert spans(np.array(["the king is old", "was calm"]))["max"] == 4  # one that repeats it does not hold it


def test_fresh_texts_are_searched_too():
    generation = toys.generation("text")
    fresh = Pool.born(np.array(["quite another text that nobody knew"]), Origin("fresh", -1))
    copied = replace(generation, samples=generation.samples.take(np.zeros(1, int)).edited(fresh.samples))
    assert build("metric", "novelty").measure(copied)["whole"] == 0
    assert build("metric", "novelty").measure(replace(copied, fresh=lambda: [fresh]))["whole"] == 1


def test_a_loop_with_fresh_texts_finds_copies_of_them():
    arm = {"source": {"use": "shakespeare", "length": 20, "prompt": 0}, "model": {"use": "n-gram", "order": 8}}
    arm |= {"loop": {"use": "fresh-data", "real": 200, "synthetic": 10}, "real": 10, "samples": 200}
    found = Experiment.of({"generations": 1, "arms": {"a": {**arm, "metrics": ["novelty"]}}}).run()
    (last,) = [record for record in found.records() if record.generation == 1]
    assert last.scores["novelty.share"] > 0.9  # what it writes was read, and hardly any of it stands in the fixed ten


def test_novelty_of_tokens_is_that_of_words(measure):
    rows, real = np.array([[1, 2, 3], [3, 3, 1]], np.int32), np.array([[0, 1, 2], [3, 9, 9]], np.int32)
    strings = [np.array([" ".join(map(str, row)) for row in some.tolist()]) for some in (rows, real)]
    np.testing.assert_equal(
        measure("novelty", rows, real, control=rows), measure("novelty", *strings, control=strings[0])
    )
