"""Every word on the Photos page, for its component; names in braces are filled in there."""

from typing import Any

from ui.i18n import _
from ui.wording import FORMAT_NAMES


def words() -> dict[str, Any]:
    """In the session's language, as plain JSON."""
    return _bringing_in() | _settings() | _drawing() | _photo()


def _bringing_in() -> dict[str, Any]:
    return {
        "dropHere": _("Drop photos here"),
        "orPick": _("or choose them, or paste one"),
        "kinds": _("JPEG, PNG, WebP, HEIC, or a ZIP file of them; one or many"),
        "sending": _("Bringing in {done} of {total}"),
        "cut": _("The studio cannot be reached. Try again in a moment."),
        "tooLarge": _("The file is too large: {most} MB is the most."),
        "addMore": _("Add photos"),
        "newSet": _("New set"),
        "newSetSure": _("Take all of them away?"),
    }


def _settings() -> dict[str, Any]:
    return {
        "style": _("Style"),
        "none": _("None"),
        "strength": _("How much is redrawn"),
        "strengths": {
            "barely": _("Barely changed"),
            "lightly": _("Lightly redrawn"),
            "clearly": _("Clearly redrawn"),
            "freely": _("Freely redrawn"),
            "anew": _("Drawn anew"),
        },
        "tryFive": _("Try five strengths on one photo"),
        "pickStrength": _("Pick a strength"),
        "prompt": _("In words"),
        "promptHint": _("What the photos show. May stay empty."),
        "longest": _("Longest side"),
        "pixels": _("{side} pixels"),
        "format": _("File format"),
        "lossless": _("PNG, lossless"),
        "formats": FORMAT_NAMES,
        "more": _("Fine-tune"),
        "quality": _("Quality"),
        "background": _("Background"),
        "backgroundHint": _("Where a photo is transparent"),
        "seed": _("Seed"),
        "cameraData": _("Keep camera data"),
        "cameraDataHint": _("Time, place and camera of the photo go into its picture"),
        "seedHint": _("One for all of them, so that they look like a set"),
    }


def _drawing() -> dict[str, Any]:
    return {
        "draw1": _("Draw the photo"),
        "drawMany": _("Draw {count} photos"),
        "drawAgain": _("Draw all again"),
        "drawAgain1": _("Draw it again"),
        "drawing": _("Drawing …"),
        "ready": _("{count} photos"),
        "ready1": _("{count} photo"),
        "drawn": _("{done} of {all} drawn"),
        "failedCount": _("{count} failed"),
        "refusedCount": _("{count} could not be read"),
        "left": _("about {time} left"),
        "paused": _("paused"),
        "pause": _("Pause"),
        "resume": _("Go on"),
        "stop": _("Stop"),
        "zip": _("Download all"),
        "zipLive": _("Download as they come"),
        "zipHint": _("The ZIP file grows until the last photo is drawn."),
    }


def _photo() -> dict[str, Any]:
    return {
        "states": {
            "waiting": _("Waiting"),
            "queued": _("Next"),
            "running": _("Drawing {percent} %"),
            "failed": _("Failed"),
            "refused": _("Not read"),
            "gone": _("Deleted"),
        },
        "took": _("Drawn in {seconds} s"),
        "stopped": _("It was cancelled."),
        "again": _("Try again"),
        "save": _("Save"),
        "saveName": _("Save {name}"),
        "look": _("Compare {name} before and after"),
        "remove": _("Remove"),
        "removeName": _("Remove {name}"),
        "otherPhoto": _("Take another photo"),
        "close": _("Close"),
        "before": _("Before"),
        "after": _("After"),
        "line": _("Before and after: move the line"),
    }
