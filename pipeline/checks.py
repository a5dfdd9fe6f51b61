"""A picture that went wrong is an error with a cause, never a black square."""

import numpy as np
import torch
from torch import Tensor

from core.engine import Frame
from core.errors import N_, UserError
from core.request import GenerationRequest

_BLACK = 2  # a pixel value up to which a whole picture counts as black


def check_latents(latents: Tensor, request: GenerationRequest) -> None:
    """Raises UserError when `latents` holds infinities or NaN, naming the likely cause."""
    if torch.isfinite(latents).all():
        return
    raise _broken(request, N_("The picture broke while it was drawn"))


def check_frame(frame: Frame, request: GenerationRequest) -> None:
    """Raises UserError when the finished picture is black all over."""
    if np.frombuffer(frame.rgb, np.uint8).max(initial=0) > _BLACK:
        return
    raise _broken(request, N_("The picture came out black all over"))


def _broken(request: GenerationRequest, what: str) -> UserError:
    active = [s for s in request.styles if s.strength]
    if active:
        strongest = max(active, key=lambda s: abs(s.strength))
        return UserError(
            N_('{what}, most likely by the style "{style}" at strength {strength}. Use less of it, or another style.'),
            what=what,
            style=strongest.name,
            strength=f"{strongest.strength:g}",
        )
    if request.guidance_scale > 0:
        return UserError(N_("{what}, most likely by too much guidance. Lower it, or set it to 0."), what=what)
    return UserError(
        N_("{what}, without a style or guidance to blame. Try another seed; if it stays, the model is damaged."),
        what=what,
    )
