"""A file's name says what is in it, and every file system takes it."""

import unicodedata
from datetime import datetime

import pytest

from core.config import FilesConfig
from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from studio.file_names import MOST_BYTES, FileNames, Named, is_name

CREATED = datetime(2026, 1, 4, 10, 22, 33)
ID = "ab12cd" + "0" * 26


def named(prompt: str = "a red house", styles: tuple[StyleUse, ...] = (), **more: str) -> Named:
    return Named(ID, CREATED, GenerationRequest(prompt, 1024, 1024, 42, styles=styles), **more)  # type: ignore[arg-type]


def test_the_default_name_carries_the_essentials() -> None:
    names = FileNames(FilesConfig().name)
    assert names.name(named(styles=(StyleUse("anime_v3", 0.8),))) == (
        "20260104-102233_1024x1024_anime_v3-080_seed42_ab12cd.png"
    )
    assert names.name(named()) == "20260104-102233_1024x1024_seed42_ab12cd.png"
    both = (StyleUse("a/水墨 风", 1.0), StyleUse("b", -0.25))
    assert names.name(named(styles=both)) == "20260104-102233_1024x1024_a_水墨_风-100+b--025_seed42_ab12cd.png"
    assert names.name(named(), whole_id=True) == f"20260104-102233_1024x1024_seed42_{ID}.png"


@pytest.mark.parametrize(
    "prompt",
    [
        "../../etc/passwd",
        "a\\b",
        'a<b>:"|?*',
        "x" * 4_000,
        "房" * 4_000,
        "🏠",
        "\u202eexe.gnp",
        "a\nb\tc",
        "...",
        "e\u0301",
    ],
)
def test_whatever_a_prompt_says_the_name_is_one_that_every_file_system_takes(prompt: str) -> None:
    for pattern in ("{prompt}_{id}", "{id}{prompt}", "{prompt} {input}.{id}.{model}"):
        name = FileNames(pattern).name(named(prompt, model=prompt[:200], input_name=prompt[:255]))
        assert is_name(name)
        assert "ab12cd" in name and name.endswith(".png")
        assert len(name.encode()) <= MOST_BYTES + 1
        assert not set(name) & set('<>:"/\\|?*')
        assert not any(unicodedata.category(c)[0] == "C" for c in name)
        assert unicodedata.normalize("NFC", name) == name
        assert name == name.strip(" .")


@pytest.mark.parametrize("word", ["con", "NUL", "Com1", "lpt9", "aux"])
def test_a_name_that_windows_keeps_for_itself_is_not_used(word: str) -> None:
    assert FileNames("{prompt}.{id}").name(named(word)) == f"_{word}.ab12cd.png"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{date}", "without {id} two pictures could have the same name"),
        ("{nosuch}_{id}", "there is no {nosuch}; known are {date}"),
        ("{}_{id}", "there is no {}"),
        ("{id!r}", "stands alone"),
        ("{id:>999999999}", "stands alone"),
        ("{id.__class__}", "there is no"),
        ("a/{id}", "cannot hold '/'"),
        ("{id", "expected '}'"),
        ("a\n{id}", "cannot hold"),
    ],
)
def test_a_pattern_that_makes_no_names_is_refused_at_the_start(pattern: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        FileNames(pattern)
    assert says in str(raised.value)
    assert str(raised.value).startswith("[files] name in config.toml")
