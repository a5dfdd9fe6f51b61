"""Words that are made from numbers and from what users typed."""

import pytest

from ui.wording import aspect_name, unmarked


@pytest.mark.parametrize(
    ("size", "name"), [((1024, 1024), "1:1"), ((1280, 720), "16:9"), ((864, 1152), "3:4"), ((160, 96), "5:3")]
)
def test_an_aspect_is_in_lowest_terms(size, name):
    assert aspect_name(size) == name


@pytest.mark.parametrize("text", ["**bold**", "[a](http://x)", "$x$", ":red[x]", "<b>x</b>", "`x`", "# x", "~~x~~"])
def test_nothing_in_a_label_is_markup(text):
    assert "".join(unmarked(text).split("\\")) == text
    assert all(unmarked(text)[unmarked(text).index(mark) - 1] == "\\" for mark in text if mark in "*[]$<>`#~:")


def test_a_label_is_one_line():
    assert unmarked("a\n\nb\tc") == "a b c"
