"""How long quanta take, learned from those that were: for the scheduler's choice and for "seconds left"."""

from collections.abc import Callable

from core.engine import Work
from core.request import GenerationRequest
from studio.job import Job

_FORGETTING = 0.2  # weight of the newest measurement
_UNKNOWN_S = 1.0  # a step, a megapixel: before anything is measured only the ratios count


class Costs:
    """Seconds a step and a decode take for a megapixel, as moving averages. `work` says what a picture takes."""

    def __init__(self, work: Callable[[GenerationRequest], Work] = Work.in_one_piece) -> None:
        self._work = work
        self._step_s: float | None = None
        self._decode_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether seconds are seconds yet, and not mere ratios."""
        return self._step_s is not None

    def learn(self, job: Job, stage: str, seconds: float) -> None:
        """A quantum of `job` took that long."""
        work = self._work(job.request)
        if stage == "denoise":
            self._step_s = _average(self._step_s, seconds / (work.megapixels * _passes(job.request)))
        elif stage == "decode" and work.decode_megapixels:
            self._decode_s = _average(self._decode_s, seconds / work.decode_megapixels)

    def left_s(self, job: Job) -> float:
        """Seconds of the device until the picture is drawn."""
        if job.stage == "save":
            return 0.0
        work = self._work(job.request)
        step_s = self._of_step() * _passes(job.request) * work.megapixels
        return max(0, work.steps - job.step) * step_s + self.decode_s(job)

    def decode_s(self, job: Job) -> float:
        """Seconds from the latents to the picture."""
        megapixels = self._work(job.request).decode_megapixels
        return megapixels * (self._of_step() if self._decode_s is None else self._decode_s)

    def _of_step(self) -> float:
        return _UNKNOWN_S if self._step_s is None else self._step_s


def _average(old: float | None, new: float) -> float:
    return new if old is None else old + _FORGETTING * (new - old)


def _passes(request: GenerationRequest) -> int:
    """Forwards of the transformer a step: guidance takes a second one."""
    return 2 if request.guidance_scale > 0 else 1
