"""The words that the demo does not know are named; those it knows, and those that only hold a sentence, are not."""

from random import Random

import pytest

from demo.captions import caption
from demo.vae import random_subject
from demo.vocabulary import unknown_words, vocabulary

KNOWN = vocabulary()


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a dragon in Venice", ["dragon", "Venice"]),
        ("Two red CATS left of the house's tree!", []),
        ("dragon, dragon and a Dragon", ["dragon", "Dragon"]),
        ("威尼斯的一条龙，红色的房子，夜晚", ["威尼斯", "龙"]),
        ("一位微笑的女士，金色长发，戴墨镜", []),
        ("红猫 with a sword", ["sword"]),
        ("", []),
        ("!!! ... 🐉", []),
    ],
)
def test_unknown_words_are_named_once_and_in_order(prompt: str, unknown: list[str]) -> None:
    assert unknown_words(prompt, KNOWN) == unknown


def test_nothing_that_it_was_trained_on_is_unknown() -> None:
    for seed in range(300):
        rng = Random(seed)
        text = caption(random_subject(rng), rng, plain=1.0)
        assert unknown_words(text, KNOWN) == [], text


def test_without_a_vocabulary_every_word_is_unknown() -> None:
    assert unknown_words("a cat 猫", {}) == ["a", "cat", "猫"]
