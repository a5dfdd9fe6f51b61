"""One request in, progress and a picture out: the engine of DESIGN section 3, on torch.

Each `yield` ends a quantum. Between two of them other requests may have run, so every quantum binds its own styles
first. It keeps no settings of a request outside that request's generator.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

from torch import Tensor

from core.engine import EngineFacts, Event, ModelInfo, Picture, Progress
from core.request import GenerationRequest, StyleUse
from pipeline import model as loading
from pipeline.checks import check_frame, check_latents
from pipeline.latents import start_noise
from pipeline.lora.keys import Deltas
from pipeline.lora.residency import Residency
from pipeline.lora.slots import Slots
from pipeline.model import Model
from pipeline.preview import Previewer
from pipeline.sampler import denoise
from pipeline.text import PromptEncoder
from pipeline.vae import decode


class TorchEngine:
    """See `core.engine.Engine`. Usable once `load` has run to its end."""

    def __init__(self, info: ModelInfo, lora_folder: Path, device: str = "auto", previews: bool = True) -> None:
        self.info = info
        self.lora_folder, self._device, self._previews = lora_folder, device, previews

    def load(self) -> Generator[float, None, None]:
        """Load the weights; yields the fraction done. Raises UserError when the model cannot be used."""
        self.use((yield from loading.load(self.info, loading.pick_device(self._device))))
        yield 1.0

    def use(self, model: Model) -> None:
        """Draw with `model` from now on; fits the preview to its VAE."""
        self.model = model
        side = max(self.info.sizes[0])
        self.preview = Previewer(model.vae, side, model.vae_scale_factor) if self._previews else None
        self.prompts = PromptEncoder(model.tokenizer, model.text_encoder, model.device)
        self.slots = Slots(model.transformer)
        self._styles = Residency(self.lora_folder, self.slots.linears)

    def generate(self, request: GenerationRequest, frugal: bool = False) -> Generator[Event, None, None]:
        """Progress after the text and after every step, then the picture."""
        steps = request.num_inference_steps
        # 1. Words to embeddings; styles from disk, if they are not at hand.
        embeds = self.prompts(request.prompt)
        negative = self.prompts(request.negative_prompt) if request.guidance_scale > 0 else None
        styles = self._load_styles(request)
        yield Progress("text", 0, steps)
        # 2. Noise to latents, one step a quantum.
        latents = self._start(request)
        loop = denoise(self.model, latents, embeds, negative, steps, request.guidance_scale)
        try:
            for _ in range(steps):
                self.slots.bind(styles)
                step = next(loop)
                latents = step.latents
                preview = self.preview(step.clean) if self.preview and step.index < steps else None
                yield Progress("denoise", step.index, steps, preview)
        finally:
            loop.close()
        # 3. Latents to pixels.
        check_latents(latents, request)
        frame = decode(self.model.vae, latents)
        check_frame(frame, request)
        yield Picture(frame)

    def prefetch(self, styles: Sequence[StyleUse]) -> None:
        """Bring styles to the device, as far as there is room. Says nothing of those it cannot: `generate` will."""

    def free(self) -> None:
        """Give back memory that is held only to be quick. What is lost comes back when it is needed."""

    def facts(self) -> EngineFacts:
        """What the engine is and holds at this moment."""
        return EngineFacts(str(self.model.device), str(self.model.dtype).removeprefix("torch."))

    def _start(self, request: GenerationRequest) -> Tensor:
        model = self.model
        noise = start_noise(request.seed, model.latent_channels, request.width, request.height, model.vae_scale_factor)
        return noise.to(model.device)

    def _load_styles(self, request: GenerationRequest) -> list[tuple[str, Deltas, float]]:
        return [(*self._styles.get(use), use.strength) for use in request.styles if use.strength]
