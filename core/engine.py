"""The engine as everybody else sees it: a protocol, and messages that are plain picklable data.

An engine turns one request into a stream of events. Asking for the next event does one quantum of work (the text, the
encoding of a source, one denoising step, the decode; of a picture that is enlarged, one of these for one tile); not
asking is pausing, closing the generator is cancelling. Only one thread may hold an engine, but it may hold several
generators at once and advance them in any order.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, TypeAlias

from core.errors import N_, UserError
from core.request import USUAL_STRENGTH, GenerationRequest, StyleUse
from core.tiles import Tiles, tiles

ENCODE_AND_DECODE = 2  # quanta of a tile beside its denoising steps
Stage: TypeAlias = Literal["text", "encode", "denoise", "decode"]
Tier: TypeAlias = Literal["resident", "staged", "8-bit", "streamed"]  # how much of a model is on the device at a time


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels: `width * height * 3` bytes of sRGB, row by row."""

    width: int
    height: int
    rgb: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of shape and pixels: the same picture, whatever kind of file it comes from."""
        return hashlib.sha256(b"%dx%d " % (self.width, self.height) + self.rgb).hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """A quantum is done. `step` of `steps` denoising steps are complete; `preview` is what the picture looks like.

    Of a picture that is enlarged, every quantum of every tile is a step.
    """

    stage: Stage
    step: int
    steps: int
    preview: Frame | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The last event of a request."""

    frame: Frame


Event: TypeAlias = Progress | Picture


@dataclass(frozen=True, slots=True)
class Work:
    """What a picture takes: `steps` as `Progress` counts them, of so many megapixels each, and a decode after them."""

    steps: int
    megapixels: float
    decode_megapixels: float

    @classmethod
    def in_one_piece(cls, request: GenerationRequest) -> Self:
        """Of a picture that is not cut up."""
        megapixels = request.width * request.height / 1e6
        return cls(request.denoising_steps, megapixels, megapixels)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the page and the checks need to know of a model before its weights are read.

    `knows` and `examples` are by language ("en", "zh_CN"); empty for a model that says nothing of itself.
    `photo_strength` is how much of a photo it draws anew unless told otherwise, 0.1 to 1: a small model keeps less.
    """

    name: str
    path: str
    size_multiple: int
    max_side: int
    sizes: tuple[tuple[int, int], ...]
    num_inference_steps: int
    guidance_scale: float
    photo_strength: float = USUAL_STRENGTH
    knows: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def tiles(self, request: GenerationRequest) -> Tiles:
        """How the second pass of a picture that is enlarged is cut up: each tile about as large as a usual picture."""
        return tiles(request.width, request.height, min(self.sizes[0]), self.size_multiple)

    def work(self, request: GenerationRequest) -> Work:
        """What it takes to draw the picture."""
        if request.upscale == 1:
            return Work.in_one_piece(request)
        grid = self.tiles(request)
        first = request.num_inference_steps if request.source is None else 0
        return Work(first + len(grid) * (request.denoising_steps + ENCODE_AND_DECODE), grid.megapixels, 0.0)

    def check(self, request: GenerationRequest) -> None:
        """Raises UserError when this model cannot draw a picture of the size asked for.

        What is enlarged may be of any size: it is drawn in tiles, and only what is drawn first has to fit the model.
        """
        if request.upscale > 1:
            if request.source is None:
                self.check(request.base)
            return
        for side in (request.width, request.height):
            if side > self.max_side:
                raise UserError(
                    N_("{side} pixels is more than this model can draw. {most} is the most."),
                    side=side,
                    most=self.max_side,
                )
            if side % self.size_multiple:
                low = max(self.size_multiple, side // self.size_multiple * self.size_multiple)
                raise UserError(
                    N_("{side} pixels is not a multiple of {multiple}, as this model needs. Try {low} or {high}."),
                    side=side,
                    multiple=self.size_multiple,
                    low=low,
                    high=low + self.size_multiple,
                )


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Where the engine stands. `fraction` of loading, 0 to 1; `error` says why it failed."""

    state: Literal["loading", "ready", "failed"]
    fraction: float = 0.0
    error: UserError | None = None


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """Where the engine runs and what it holds. Memory is the device's, in bytes; 0 where it cannot be told.

    `styles` are the content hashes of the styles that are on the device now. `weights_bytes` of the model's weights are
    there, none while it is `at_rest`; `weights_peak` is the most that were. `lowered` tells of a tier that was taken
    because memory ran out.
    """

    device: str
    dtype: str
    memory_used: int = 0
    memory_total: int = 0
    styles: frozenset[str] = frozenset()
    styles_bytes: int = 0
    memory_peak: int = 0
    tier: Tier = "resident"
    lowered: bool = False
    at_rest: bool = False
    weights_bytes: int = 0
    weights_peak: int = 0


class Engine(Protocol):
    """See the module's docstring for who may call what."""

    info: ModelInfo

    def load(self) -> Iterator[float]:
        """Load the weights; yields the fraction done. Raises UserError when the model cannot be used."""
        ...

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        """Progress events, then one Picture. Raises UserError or InternalError from the generator.

        Raises OutOfMemory when the device has not enough; `frugal` takes less of it, and may change the last bits.
        Raises DeviceLost when the device is not there any more: then this engine is of no more use.
        """
        ...

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        """Bring styles to the device, as far as there is room. Says nothing of those it cannot: `generate` will."""
        ...

    def free(self) -> None:
        """Give back memory that is held only to be quick. What is lost comes back when it is needed."""
        ...

    def lower(self) -> bool:
        """Take less of the device's memory from now on, which is slower. False when that cannot be."""
        ...

    def rest(self) -> Iterator[None]:
        """Give the device's memory back until `wake`, or the next quantum. In bites; nothing has changed before the
        last one."""
        ...

    def wake(self) -> None:
        """Somebody will soon want a picture: be as quick as can be for it."""
        ...

    def facts(self) -> EngineFacts:
        """What the engine is and holds at this moment."""
        ...
