"""Every word on the History page, for its component; names in braces are filled in there."""

from typing import Any

from ui.i18n import _


def words() -> dict[str, Any]:
    """In the session's language, as plain JSON."""
    return _general() | _finding() | _deeds() | _detail() | _verifying() | {"settings": _settings(), "parts": _parts()}


def _general() -> dict[str, Any]:
    return {
        "pictures": _("Pictures"),
        "cut": _("The studio cannot be reached. Try again in a moment."),
        "gone": _("The file of this picture is no longer there."),
        "failed": _("This picture could not be drawn."),
        "cancelled": _("Cancelled"),
        "close": _("Close"),
        "cancel": _("Cancel"),
        "more": _("More"),
        "none": _("None"),
        "off": _("Off"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "empty": _("What you draw is kept here, and can be found again by its words."),
        "draw": _("Draw a picture"),
        "seconds": _("{seconds} s"),
        "keys": _("Keyboard"),
        "keyList": [
            ("← → ↑ ↓", _("Go from picture to picture")),
            ("Enter", _("Open")),
            ("Space", _("Select")),
            ("Shift", _("Select all up to here")),
            ("Ctrl A", _("Select all")),
            ("C", _("Compare what is selected")),
            ("F", _("Favourite")),
            ("R", _("Reuse the settings in the Studio")),
            ("Delete", _("Move to the trash")),
            ("+ − 0", _("Closer, farther, the whole picture")),
            ("/", _("Search")),
            ("Esc", _("Close, or select nothing")),
        ],
    }


def _finding() -> dict[str, Any]:
    return {
        "search": _("Search words, notes, tags"),
        "filters": _("Filters"),
        "order": _("Order"),
        "orders": {
            "newest": _("Newest first"),
            "oldest": _("Oldest first"),
            "largest": _("Largest first"),
            "slowest": _("Slowest first"),
        },
        "style": _("Style"),
        "strength": _("Strength"),
        "size": _("Size"),
        "status": _("Outcome"),
        "statuses": {"done": _("Drawn"), "failed": _("Failed"), "cancelled": _("Cancelled")},
        "model": _("Model"),
        "time": _("Time"),
        "batch": _("Batch"),
        "marked": _("Marked"),
        "favourites": _("Favourites"),
        "any": _("Any"),
        "anyTime": _("Any time"),
        "lastWeek": _("Last 7 days"),
        "lastMonth": _("Last 30 days"),
        "from": _("From"),
        "to": _("To"),
        "without": _("Take off: {name}"),
        "clear": _("Clear the search"),
        "nothingFound": _("No picture matches."),
    }


def _deeds() -> dict[str, Any]:
    return {
        "select": _("Select"),
        "selection": _("What is selected"),
        "selectedOne": _("1 selected"),
        "selected": _("{count} selected"),
        "selectAll": _("Select all"),
        "deselect": _("Select nothing"),
        "gathering": _("Selecting all …"),
        "favourite": _("Favourite"),
        "unfavourite": _("Not a favourite"),
        "zip": _("Download"),
        "zipClean": _("Clean copies"),
        "trash": _("Move to the trash"),
        "trashedOne": _("Moved to the trash."),
        "trashed": _("{count} pictures moved to the trash."),
        "undo": _("Undo"),
        "openTrash": _("Trash"),
        "leaveTrash": _("Back to all pictures"),
        "inTrash": _("What lies in the trash is deleted after {days} days."),
        "inTrashForEver": _("What lies in the trash stays until you empty it."),
        "trashEmpty": _("The trash is empty."),
        "restore": _("Put back"),
        "restoredOne": _("Put back."),
        "restored": _("{count} pictures put back."),
        "emptyTrash": _("Empty the trash"),
        "emptyTrashAsk": _("Empty the trash?"),
        "emptyTrashSay": _("All pictures in it are deleted, and cannot be brought back."),
        "emptiedOne": _("1 picture deleted."),
        "emptied": _("{count} pictures deleted."),
        "exportLines": _("Save the whole history"),
        "importLines": _("Read a saved history"),
        "importing": _("The history is being read …"),
        "imported": _("{count} records read."),
        "skipped": _("{count} lines were left out:"),
        "skippedLine": _("Line {line}: {why}"),
        "forget": _("Delete all that is mine"),
        "forgetAsk": _("Delete everything?"),
        "forgetSay": _(
            "Every picture you have made here is deleted, with its settings and notes, your trash and your presets. It "
            "cannot be brought back."
        ),
        "forgotten": _("All that was yours is deleted."),
    }


def _detail() -> dict[str, Any]:
    return {
        "previous": _("Previous"),
        "next": _("Next"),
        "copy": _("Copy the prompt"),
        "copied": _("Copied"),
        "reuse": _("Reuse"),
        "reuseNoSeed": _("Reuse with another seed"),
        "reuseStyle": _("Only the style"),
        "download": _("Download"),
        "asPhoto": _("Redraw as a photo"),
        "enlarge": _("Finish at {width} × {height}"),
        "clean": _("Clean copy"),
        "cleanLong": _("The same picture, without its settings inside the file"),
        "note": _("Note"),
        "noteHint": _("Add a note"),
        "tags": _("Tags"),
        "tagsHint": _("client, autumn, …"),
        "kept": _("Kept"),
        "notKept": _("Not kept yet: {why}"),
        "madeFrom": _("Made from"),
        "ledTo": _("Led to"),
        "trashOne": _("Move to the trash"),
        "preset": _("Keep as a preset"),
        "presetHint": _("Name of the preset"),
        "presetKept": _("“{name}” is in the Studio now."),
        "save": _("Save"),
        "compare": _("Compare"),
        "sideBySide": _("Side by side"),
        "slider": _("One over the other"),
        "line": _("Where one ends and the other begins"),
        "differ": _("What differs"),
        "noDifference": _("All settings are the same."),
    }


def _verifying() -> dict[str, Any]:
    return {
        "verify": _("Verify"),
        "verifyLong": _("Draw it again, and see whether it is the same picture"),
        "verifying": _("Drawing it again …"),
        "identical": _("Identical, pixel for pixel."),
        "nearly": _("Not identical, but the eye sees no difference ({psnr} dB)."),
        "differs": _("Not the same picture ({psnr} dB)."),
        "nothingAlike": _("Not the same; the stored picture is not there to compare it with."),
        "changed": _("{what}: {then} then, {now} now"),
        "nothing": _("nothing"),
        "nothingChanged": _("Nothing has changed here that would explain it."),
    }


def _settings() -> dict[str, str]:
    return {
        "prompt": _("Prompt"),
        "style": _("Style"),
        "redrawn": _("Redrawn"),
        "size": _("Size"),
        "seed": _("Seed"),
        "steps": _("Steps"),
        "guidance": _("Guidance"),
        "leaveOut": _("Leave out"),
        "model": _("Model"),
        "made": _("Made on"),
        "took": _("Took"),
        "file": _("File"),
        "bytes": _("File size"),
        "startedFrom": _("Made from"),
        "batch": _("Batch"),
    }


def _parts() -> dict[str, str]:
    """Of the time a picture took, and of what a verification finds changed."""
    return {
        "text": _("reading"),
        "denoise": _("drawing"),
        "decode": _("developing"),
        "model": _("Model"),
        "style": _("Style"),
        "device": _("Device"),
        "dtype": _("Precision"),
        "threads": _("Threads"),
        "torch": "PyTorch",
        "diffusers": "Diffusers",
        "studio": "Jimeng Studio",
    }
