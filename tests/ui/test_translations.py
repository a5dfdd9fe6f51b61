"""Every string a user can meet stands in Chinese too, with the same placeholders."""

from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core.errors import UserError
from ui import i18n

ROOT = Path(__file__).resolve().parents[2]
SAME_IN_CHINESE = {"Ctrl + Enter"}


def used() -> set[str]:
    found = set()
    for folder in ("core", "studio", "pipeline", "web", "ui"):
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, method_map=[("**.py", "python")], keywords={"_": None, "N_": None}
        ):
            found.add(message)
    return found


def catalog():
    with (i18n.LOCALES / "zh_CN" / "LC_MESSAGES" / "jimeng.po").open("rb") as file:
        return read_po(file, locale="zh_CN")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_string_in_the_source_is_translated_and_nothing_else_is():
    translated = {entry.id for entry in catalog() if entry.id}
    assert used() - translated == set()
    assert translated - used() == set()


def test_no_translation_is_empty_fuzzy_or_left_in_english():
    for entry in catalog():
        if entry.id and entry.id not in SAME_IN_CHINESE:
            assert entry.string and not entry.fuzzy, entry.id
            assert any("一" <= character <= "鿿" for character in entry.string), entry.id


def test_translations_have_the_placeholders_of_their_source():
    for entry in catalog():
        if entry.id:
            assert placeholders(entry.string) == placeholders(entry.id), entry.id


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh_CN"), ("zh", "zh_CN"), ("zh-Hant-TW", "zh_CN"), ("en-GB", "en"), ("fr-FR", "en"), ("", "en"),
     (None, "en")],
)  # fmt: skip
def test_the_browsers_language_decides(locale, language):
    assert i18n.spoken(locale) == language


def test_the_page_speaks_chinese_when_the_address_says_so(page):
    test = page("zh_CN")
    assert test.button(key="generate").label == "生成"
    assert test.text_area(key="config.prompt").placeholder == "描述你想要的画面……"
    assert test.button(key="example-0").label == "红色的房子"
    assert "它会画房子。" in [text.value for text in test.text]


def test_a_link_switches_the_language_and_keeps_what_was_typed(page):
    test = page("en")
    test.text_area(key="config.prompt").set_value("a red house")
    test.button(key="generate").click().run()
    test.button(key="language-zh_CN").click().run()
    assert test.button(key="generate").label == "生成"
    assert test.text_area(key="config.prompt").value == "a red house"
    assert test.query_params["lang"] == "zh_CN"
    test.button(key="language-en").click().run()
    assert test.button(key="generate").label == "Generate"


def test_an_address_with_an_unknown_language_is_no_error(page):
    test = page("xx\x00")
    assert not test.exception and test.button(key="generate").label == "Generate"


def test_errors_are_said_in_the_users_language_with_the_names_of_fields(page):
    test = page("zh_CN")
    test.button(key="generate").click().run()
    assert "提示词是空的。用几个词描述你想看到的画面吧。" in [text.value for text in test.text]


def test_names_inside_an_error_are_translated_too(page, monkeypatch):
    page()  # puts the catalogues in place
    monkeypatch.setattr(i18n, "language", lambda: "zh_CN")
    error = UserError("{name} has to be a number from {least} to {most}.", name="Width", least="1", most="8")
    assert i18n.say(error) == "宽度必须是 1 到 8 之间的数。"
    assert i18n.say(UserError("The prompt is not text.", why="")) == "提示词不是文字。"
