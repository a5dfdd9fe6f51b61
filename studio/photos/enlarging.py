"""A finished picture once more, larger: the same words, styles and seed in a second pass over it."""

from dataclasses import replace

from PIL import Image

from core.engine import Frame
from core.errors import N_, UserError
from core.request import UPSCALE_STRENGTH, UPSCALES, Source
from studio.jobs import Jobs
from studio.sources import Sources


def enlarge(jobs: Jobs, sources: Sources, owner: str, picture_id: str, factor: int) -> str:
    """Ask for the owner's picture 2 or 4 times larger; returns the job's id.

    Raises UserError when there is no such picture, or it would be larger than any can be.
    """
    if factor not in UPSCALES[1:]:
        raise UserError(N_("A picture can be made 2 or 4 times larger, or left as it is."))
    made, file = jobs.snapshot(owner, picture_id), jobs.picture(owner, picture_id)
    if made is None or file is None:
        raise UserError(N_("There is no such picture any more."))
    try:
        with Image.open(file, formats=("PNG",)) as image:
            frame = Frame(image.width, image.height, image.convert("RGB").tobytes())
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(N_("The file of this picture is no longer there.")) from error
    request = replace(
        made.request, width=frame.width * factor, height=frame.height * factor, upscale=factor,
        source=Source(frame.sha256, UPSCALE_STRENGTH),
    )  # fmt: skip
    under_way = (job.id for job in jobs.list(owner) if job.active and job.request == request)
    if (known := next(under_way, None)) is not None:  # a second click
        return known
    sources.add(owner, frame)
    return jobs.submit(owner, request, parent=picture_id)
