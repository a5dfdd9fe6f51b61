"""A record drawn again is told to be the same, or how it differs and why, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from core.engine import Frame
from core.errors import UserError
from core.request import StyleUse
from studio.build import Studio
from studio.history import Change, History
from studio.verification import psnr_db
from tests.studio.conftest import OpenStudio
from tests.studio.history.conftest import FRAME, SURROUNDINGS, Draw, ask, end

OTHER = Frame(2, 1, b"\x01\x02\x03\xfd\xfe\xf0")


def test_the_same_pixels_are_identical_and_leave_no_second_picture(
    history: History, draw: Draw, studio: Studio, data_folder: Path
) -> None:
    job_id = draw()
    before = sorted(file.name for file in (data_folder / "pictures").iterdir())
    assert history.verification("ann", job_id) is None
    verifying = history.verify("ann", job_id)
    assert history.verify("ann", job_id) == verifying  # asked twice, done once
    under_way = history.verification("ann", job_id)
    assert under_way is not None
    assert (under_way.job_id, under_way.state) == (verifying, "queued")
    assert studio.jobs.list("ann")[0].id == job_id  # it is no picture in the making
    end(studio)
    found = history.verification("ann", job_id)
    assert found is not None
    assert (found.state, found.identical, found.psnr_db, found.changed) == ("done", True, None, ())
    assert [card.id for card in history.page("ann").cards] == [job_id]
    assert [s.id for s in studio.jobs.list("ann")] == [job_id]
    assert sorted(file.name for file in (data_folder / "pictures").iterdir()) == before


def test_other_pixels_are_told_with_how_close_they_are_and_what_has_changed(
    history: History, draw: Draw, studio: Studio
) -> None:
    job_id = draw()
    facts = {"device": "NVIDIA", "torch": "2.13", "cuda": "13"}
    studio.jobs.drawn_in(replace(SURROUNDINGS, model_hash="cd" * 32, facts=facts))
    history.verify("ann", job_id)
    end(studio, OTHER)
    found = history.verification("ann", job_id)
    assert found is not None
    assert not found.identical
    assert found.psnr_db == pytest.approx(psnr_db(FRAME, OTHER)) == pytest.approx(32.4, abs=0.1)
    assert found.changed == (
        Change("model", "ab" * 6, "cd" * 6),
        Change("cuda", "", "13"),
        Change("device", "cpu", "NVIDIA"),
    )


def test_a_picture_whose_file_is_gone_is_compared_by_what_was_noted_of_it(
    history: History, draw: Draw, studio: Studio, data_folder: Path
) -> None:
    for frame, same in ((FRAME, True), (OTHER, False)):
        job_id = draw()
        (data_folder / "pictures" / history.entry("ann", job_id).file).unlink()  # type: ignore[union-attr]
        history.verify("ann", job_id)
        end(studio, frame)
        found = history.verification("ann", job_id)
        assert found is not None
        assert (found.state, found.identical, found.psnr_db) == ("done", same, None)


def test_a_stored_file_that_somebody_changed_is_told(
    history: History, draw: Draw, studio: Studio, data_folder: Path
) -> None:
    job_id = draw()
    Image.new("RGB", (2, 1)).save(data_folder / "pictures" / history.entry("ann", job_id).file)  # type: ignore[union-attr]
    history.verify("ann", job_id)
    end(studio)
    found = history.verification("ann", job_id)
    assert found is not None
    assert not found.identical
    assert [change.what for change in found.changed] == ["file"]


def test_a_verification_survives_a_restart(
    history: History, draw: Draw, studio: Studio, open_studio: OpenStudio
) -> None:
    job_id = draw()
    verifying = history.verify("ann", job_id)
    studio.jobs.release()
    studio.close()
    after = open_studio()
    after.jobs.adopt_orphans()
    after.jobs.drawn_in(SURROUNDINGS)
    under_way = after.history.verification("ann", job_id)
    assert under_way is not None
    assert (under_way.job_id, under_way.state) == (verifying, "queued")
    end(after)
    found = after.history.verification("ann", job_id)
    assert found is not None
    assert found.identical


def test_one_that_fails_or_is_cancelled_says_so_and_changes_nothing_else(
    history: History, draw: Draw, studio: Studio
) -> None:
    job_id = draw()
    history.verify("ann", job_id)
    end(studio, None)
    failed = history.verification("ann", job_id)
    assert failed is not None
    assert (failed.state, str(failed.error)) == ("failed", "The style x is broken.")
    verifying = history.verify("ann", job_id)
    studio.jobs.cancel("ann", verifying)
    cancelled = history.verification("ann", job_id)
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    assert len(history.page("ann").cards) == 1


def test_it_is_somebody_who_waits_and_no_batch(history: History, draw: Draw, studio: Studio) -> None:
    job_id = draw()
    studio.jobs.submit("bob", ask(), kind="batch")
    verifying = history.verify("ann", job_id)
    following = studio.jobs.next(True, 0)
    assert following is not None
    assert following.id == verifying
    assert [row.kind for row in studio.jobs.overview("bob").rows] == ["interactive", "batch"]


def test_a_record_that_is_deleted_meanwhile_ends_its_verification(history: History, draw: Draw, studio: Studio) -> None:
    job_id = draw()
    history.verify("ann", job_id)
    history.trash("ann", [job_id])
    history.empty_trash("ann")
    end(studio)
    assert history.verification("ann", job_id) is None
    assert studio.roster.all() == []


def test_a_style_that_is_another_now_is_told_before_anything_is_drawn(history: History, draw: Draw, lora: Path) -> None:
    job_id = draw(styles=(StyleUse("sketch"),))
    (lora / "sketch.safetensors").write_bytes(b"another")
    with pytest.raises(UserError, match="has changed since"):
        history.verify("ann", job_id)


def test_what_was_never_drawn_cannot_be_verified(history: History, draw: Draw) -> None:
    with pytest.raises(UserError, match="no such picture"):
        history.verify("ann", draw(frame=None))
