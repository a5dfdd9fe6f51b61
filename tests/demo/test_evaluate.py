"""The evaluator can be believed: right on true renders, at chance on shuffled captions, and it says what it found."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from demo.draw import STYLES
from demo.evaluate import SHUFFLED_BY, calibrate, cases, judged, looked_at, renders, shares, table, tally
from demo.judge import Judge, Seen, facts_of, load, main, unsteady
from demo.portraits import Portrait
from demo.scenes import Item, Scene

ASKED = cases(160)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load()


@pytest.fixture(scope="module")
def calibration(judge: Judge) -> dict[str, dict[str, float]]:
    return calibrate(judge, ASKED)


def test_the_judge_is_right_on_true_renders(calibration: dict[str, dict[str, float]]) -> None:
    both = {name: share for name, share in calibration["true"].items() if "/" not in name}
    assert sum(both.values()) / len(both) >= 0.98, both
    assert min(both.values()) >= 0.96, both


def test_the_judge_is_at_chance_on_shuffled_captions(calibration: dict[str, dict[str, float]]) -> None:
    """Chance is what perfect eyes would find right by luck: most faces wear no hat, whatever was asked for."""
    true = [Seen(facts_of(c.subject), getattr(c.subject, "items", ())) for c in ASKED]
    luck = shares(tally(ASKED, [*true[SHUFFLED_BY:], *true[:SHUFFLED_BY]]))
    for name, share in calibration["shuffled"].items():
        assert abs(share - luck[name]) <= 0.08, name
    assert luck["background"] < 0.2 and luck["present"] < 0.2


@pytest.mark.parametrize("style", STYLES)
def test_the_judge_tells_every_style(judge: Judge, style: str) -> None:
    seen = looked_at(judge, renders([case.subject for case in ASKED[::4]], style))
    assert sum(one.facts["style"] == style for one in seen) >= 0.97 * len(seen)


@pytest.mark.parametrize("style", ("", "sketch", "blueprint"))
def test_the_judge_sees_what_an_unsteady_hand_has_drawn(judge: Judge, style: str) -> None:
    asked = [case for case in ASKED[::2] if hasattr(case.subject, "items")]
    bent = unsteady(renders([case.subject for case in asked], style), torch.Generator().manual_seed(3))
    assert shares(tally(asked, looked_at(judge, bent)))["present"] >= 0.98


def test_pixel_art_is_told_by_its_blocks_even_where_they_are_softened(judge: Judge) -> None:
    """As the autoencoder does, whose latents are two blocks wide."""
    pictures = renders([case.subject for case in ASKED[::4]], "pixel")
    soft = F.interpolate(F.avg_pool2d(pictures, 4), scale_factor=4, mode="bilinear")
    assert sum(one.facts["style"] == "pixel" for one in looked_at(judge, soft)) >= 0.97 * len(pictures)


def test_a_judge_is_made_by_one_command_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "judge.safetensors"

    def make(steps: int) -> None:
        arguments = f"judge --steps {steps} --style-steps 50 --batch 4 --pictures 8 --work {tmp_path} --out {out}"
        monkeypatch.setattr("sys.argv", arguments.split())
        main()

    make(50)
    assert load(out).look(torch.rand(2, 3, 128, 128))[0].facts["style"] in STYLES
    make(51)
    assert "judge: going on from step 50" in capsys.readouterr().out


def test_held_out_captions_come_in_both_languages_of_the_same_subjects() -> None:
    english, chinese = ASKED[::2], ASKED[1::2]
    assert [c.subject for c in english] == [c.subject for c in chinese]
    assert not any("\u4e00" <= c <= "\u9fff" for case in english for c in case.caption)


SCENE = Scene(
    (Item("cat", "red", -0.5, 0.0, 0.4, "left"), Item("car", "blue", 0.5, 0.0, 0.4, "right")),
    backdrop="white", layout="beside",
)  # fmt: skip
SEEN = Seen(facts_of(SCENE), SCENE.items)


def verdicts(seen: Seen, words: str = "a red cat left of a blue car") -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for name, right in judged(SCENE, words, seen):
        found.setdefault(name, []).append(right)
    return found


def test_what_is_as_said_is_right() -> None:
    assert verdicts(SEEN) == {"background": [True], "present": [True] * 2, "colour": [True] * 2, "left_right": [True]}


def test_each_wrong_thing_is_wrong_on_its_own() -> None:
    cat, car = SCENE.items
    swapped = replace(SEEN, items=(replace(cat, x=0.5), replace(car, x=-0.5)))
    assert verdicts(swapped)["left_right"] == [False]
    assert verdicts(replace(SEEN, items=(replace(cat, colour="pink"), car)))["colour"] == [False, True]
    assert verdicts(replace(SEEN, items=(cat,)))["present"] == [True, False]
    assert verdicts(replace(SEEN, facts=SEEN.facts | {"backdrop": "black"}))["background"] == [False]


def test_an_order_that_was_not_said_is_not_judged() -> None:
    assert "left_right" not in verdicts(SEEN, "a red cat and a blue car")


def test_a_hat_that_nobody_asked_for_is_wrong() -> None:
    face = Portrait("man", "tan", "short", "black", "blue", "red", "white")
    hatted = Seen(facts_of(face) | {"hat": "crown"}, ())
    assert dict(judged(face, "a man", hatted))["hat"] is False


def test_the_table_names_every_figure() -> None:
    figures = shares({"colour": [True, False], "colour/en": [True], "colour/zh": [False]})
    report = {
        "judge": {"true": figures, "shuffled": figures},
        "base": figures,
        "pictures": {"vae_renders_db": 30.25},
        "styles": {"neon": {"recognised": 0.9, "present": 0.8, "true_recognised": 1.0, "true_present": 0.99}},
    }
    text = table(report)
    assert all(word in text for word in ("colour", "0.500", "1.000", "0.950", "30.25", "neon", "0.900"))


def test_a_picture_that_is_only_noise_shows_nothing(judge: Judge) -> None:
    noise = torch.rand((8, 3, 256, 256), generator=torch.Generator().manual_seed(0))
    assert sum(len(seen.items) for seen in looked_at(judge, noise)) <= 2
