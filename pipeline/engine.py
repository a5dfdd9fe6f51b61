"""One request in, progress and a picture out: the engine of DESIGN section 3, on torch.

Each `yield` ends a quantum. Between two of them other requests may have run, so every quantum binds its own styles
first. It keeps no settings of a request outside that request's generator.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from torch import Tensor

from core.config import MemoryConfig, StylesConfig
from core.engine import EngineFacts, Event, Frame, ModelInfo, Picture, Progress
from core.errors import N_, DeviceLost, OutOfMemory, UserError
from core.request import GenerationRequest, StyleUse
from core.request import Source as Start
from pipeline import memory
from pipeline import model as loading
from pipeline.checks import check_frame, check_latents
from pipeline.compiling import slots_for
from pipeline.describe import locate
from pipeline.hires import Enlargement
from pipeline.latents import cover_with_noise, start_noise
from pipeline.lora.cache import Cache
from pipeline.lora.compiled import Compiled
from pipeline.lora.inspect import Inspector
from pipeline.lora.lean import LeanSlots
from pipeline.lora.residency import Residency
from pipeline.lora.slots import Slots
from pipeline.model import Model
from pipeline.placement.files import files_of
from pipeline.placement.placement import Placement
from pipeline.placement.planning import plan
from pipeline.placement.tiers import COMPONENTS, Plan
from pipeline.preview import Previewer
from pipeline.sampler import denoise, schedule_for
from pipeline.source import Source
from pipeline.text import PromptEncoder
from pipeline.vae import decode, encode_source

Words: TypeAlias = tuple[Tensor, Tensor | None]
Styles: TypeAlias = Sequence[tuple[Compiled, float]]


class TorchEngine:
    """See `core.engine.Engine`. Usable once `load` has run to its end."""

    def __init__(
        self,
        info: ModelInfo,
        lora_folder: Path,
        device: str = "auto",
        previews: bool = True,
        cache_folder: Path | None = None,
        budgets: StylesConfig = StylesConfig(),  # noqa: B008 (frozen)
        sources: Callable[[str], Frame] | None = None,
        memory_config: MemoryConfig = MemoryConfig(),  # noqa: B008 (frozen)
        compiling: str = "off",
    ) -> None:
        """Without a `cache_folder`, styles are compiled anew by each process. `sources` gives the picture to start from
        by its sha256, or raises UserError. `compiling` is "auto", "on" or "off"."""
        self.info = info
        self.lora_folder, self._device, self._previews = lora_folder, device, previews
        self._cache_folder, self._budgets, self._sources = cache_folder, budgets, sources
        self._memory, self._compiling = memory_config, compiling
        self._let_go: Callable[[], None] = lambda: None  # of the model that was used before

    def load(self) -> Generator[float, None, None]:
        """Load the weights; yields the fraction done. Raises UserError when the model cannot be used."""
        device = loading.pick_device(self._device)
        chosen = plan(self.info, device, self._memory, self._budgets)
        try:
            model = yield from loading.load(self.info, device)
            self.use(model, chosen)
            if chosen.tier == "resident":
                self.slots = slots_for(model, self._compiling, *self.info.sizes[0])
        except RuntimeError as error:
            if memory.is_lost(error):
                raise DeviceLost from error
            raise
        yield 1.0

    def use(self, model: Model, chosen: Plan = Plan()) -> None:  # noqa: B008 (frozen)
        """Draw with `model` from now on, placed as it was `chosen`; fits the preview to its VAE."""
        self._let_go()
        self.model = model
        modules = {name: getattr(model, name) for name in COMPONENTS}
        files = files_of(locate(self.info.path, weights=True), COMPONENTS)
        self.placement = Placement(modules, model.device, chosen, files)
        self._let_go = self.placement.close
        side = max(self.info.sizes[0])
        self.preview = Previewer(model.vae, side, model.vae_scale_factor) if self._previews else None
        self.prompts = PromptEncoder(model.tokenizer, model.text_encoder, model.device)
        self.slots = Slots(model.transformer)
        shapes = {name: (m.out_features, m.in_features) for name, m in self.slots.linears.items()}
        cache = Cache(self._cache_folder, self._budgets.cache_mb, Inspector(shapes), model.dtype)
        device_mb, host_mb = self._budgets.device_mb, self._budgets.host_mb
        self.styles = Residency(self.lora_folder, cache, model.device, device_mb, host_mb)
        self.placement.wake()

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        """Progress after the text and after every step, then the picture.

        Raises OutOfMemory when the device has not enough; `frugal` gives back what is held to be quick, and decodes in
        tiles. Raises DeviceLost when the device has gone.
        """
        try:
            yield from self._draw(request, frugal)
            return
        except (RuntimeError, MemoryError) as error:
            if memory.is_lost(error):
                raise DeviceLost from error
            if not memory.ran_out(error):
                raise
        # Raised out here, because an error in flight holds on to the frames, and so to the tensors, it came from.
        self.free()
        raise OutOfMemory

    def _draw(self, request: GenerationRequest, frugal: bool) -> Generator[Event, None, None]:
        if frugal:
            self.free()
        source = self._open(request.source)
        steps = self.info.work(request).steps
        # 1. Words to embeddings; styles from disk, if they are not at hand.
        words = self._words(request)
        styles = [(self.styles.find(use), use.strength) for use in request.styles if use.strength]
        self._bind(styles)
        yield Progress("text", 0, steps)
        if request.upscale == 1:
            yield from self._draw_once(request, words, styles, source, frugal)
            return
        # 2. Without a source, the picture that is to be enlarged.
        if source is None:
            source = yield from self._draw_base(request, words, styles, frugal)
        # 3. The second pass over it.
        done = 0 if request.source is not None else request.num_inference_steps
        tiles, previewer = self.info.tiles(request), self.preview
        second = Enlargement(
            self.model, request, tiles, words, lambda: self._bind(styles), previewer, (done, steps)
        )  # fmt: skip
        yield from second.draw(source)

    def _draw_base(
        self, request: GenerationRequest, words: Words, styles: Styles, frugal: bool
    ) -> Generator[Event, None, Frame]:
        """What `request` would draw if it were not to be enlarged, as progress of the whole."""
        steps = self.info.work(request).steps
        for event in self._draw_once(request.base, words, styles, None, frugal):
            if isinstance(event, Picture):
                yield Progress("decode", request.num_inference_steps, steps)
                return event.frame
            yield replace(event, steps=steps)
        raise RuntimeError("a picture ended without its pixels")

    def _draw_once(
        self, request: GenerationRequest, words: Words, styles: Styles, source: Frame | None, frugal: bool
    ) -> Generator[Event, None, None]:
        """A picture in one piece, from noise or, with a `source`, from noise over it."""
        model, steps, first = self.model, request.denoising_steps, request.first_step
        # 1. What the source is to the model. Nothing of it would be left where the whole schedule is walked.
        clean = None
        if source is not None and first:
            pixels = Source(source, request.width, request.height).region(0, 0, request.width, request.height)
            clean = encode_source(model.vae, pixels.to(model.device), tiled=frugal)
            yield Progress("encode", 0, steps, self.preview(clean) if self.preview else None)
        # 2. Noise to latents, one step a quantum.
        noise = start_noise(request.seed, model.latent_channels, request.width, request.height, model.vae_scale_factor)
        latents = noise.to(model.device)
        schedule = schedule_for(model, latents, request.num_inference_steps, first)
        if clean is not None:
            latents = cover_with_noise(clean, latents, schedule.sigmas[first])
        loop = denoise(model, latents, *words, schedule, request.guidance_scale)
        try:
            for _ in range(steps):
                self._bind(styles)
                step = next(loop)
                latents = step.latents
                preview = self.preview(step.clean) if self.preview and step.index < steps else None
                yield Progress("denoise", step.index, steps, preview)
        finally:
            loop.close()
        # 3. Latents to pixels.
        check_latents(latents, request)
        frame = decode(model.vae, latents, tiled=frugal)
        check_frame(frame, request)
        yield Picture(frame)

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        """Bring styles to the device, as far as there is room. Says nothing of those it cannot: `generate` will."""
        for use in styles:
            with suppress(UserError, *memory.ERRORS):
                self.styles.prefetch(self.styles.find(use))

    def free(self) -> None:
        """Give back memory that is held only to be quick. What is lost comes back when it is needed."""
        self.slots.clear()
        self.styles.free()
        self.prompts.forget()
        memory.release(self.model.device)

    def lower(self) -> bool:
        """To a memory tier with less on the device and the same bits, where there is one."""
        self.free()
        try:
            return self.placement.lower()
        except memory.ERRORS as error:
            if not memory.ran_out(error):
                raise
            return False

    def rest(self) -> Iterator[None]:
        """The model and the styles leave the device."""
        yield from self.placement.settle()
        self.slots.clear()
        self.styles.free()
        self.placement.rest()

    def wake(self) -> None:
        """The model comes back; styles do so when they are chosen or used."""
        self.placement.wake()

    def facts(self) -> EngineFacts:
        """What the engine is and holds at this moment."""
        device = self.model.device
        used, total = memory.use_of(device)
        placement, dtype = self.placement, str(self.model.dtype).removeprefix("torch.")
        return EngineFacts(
            device=memory.name_of(device),
            dtype=f"{dtype}{self._variant}",
            memory_used=used,
            memory_total=total,
            styles=self.styles.styles,
            styles_bytes=self.styles.nbytes,
            memory_peak=memory.peak_of(device),
            tier=placement.tier,
            lowered=placement.lowered,
            at_rest=placement.at_rest,
            weights_bytes=placement.held,
            weights_peak=placement.peak,
        )

    @property
    def _variant(self) -> str:
        """What else changes bits, for people."""
        if self.placement.tier == "8-bit":
            return ", 8-bit"
        return ", compiled" if isinstance(self.slots, LeanSlots) else ""

    def _bind(self, styles: Styles) -> None:
        deltas = self.styles.bring([compiled for compiled, _ in styles])
        self.slots.bind([(d, strength) for d, (_, strength) in zip(deltas, styles, strict=True)])

    def _words(self, request: GenerationRequest) -> Words:
        """Embeddings of the prompt and, where guidance needs it, of the negative one."""
        negative = self.prompts(request.negative_prompt) if request.guidance_scale > 0 else None
        return self.prompts(request.prompt), negative

    def _open(self, start: Start | None) -> Frame | None:
        if start is None:
            return None
        if self._sources is None:
            raise UserError(N_("The picture to start from is not there any more. Choose it again."))
        return self._sources(start.sha256)
