"""The second pass: a picture made 2 or 4 times larger, drawn anew in overlapping tiles, with detail that belongs there.

All tiles walk together, step by step, over one canvas of latents that began as one field of noise: where they overlap
their velocities are blended before the step is taken, so that neighbours agree (MultiDiffusion: Bar-Tal et al., 2023).
Every stage of every tile is a quantum. The device holds one tile. The canvas lies in the host's memory: three bytes a
pixel for latents, three for the result, and floats for a single row of tiles.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
import torch
from torch import Tensor

from core.engine import Event, Frame, Picture, Progress, Stage
from core.request import GenerationRequest
from core.tiles import Tiles
from pipeline.checks import check_frame, check_latents
from pipeline.latents import cover_with_noise, start_noise
from pipeline.model import Model
from pipeline.preview import Previewer
from pipeline.sampler import schedule_for, velocity_at
from pipeline.source import Source
from pipeline.vae import decode_pixels, encode, to_bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A tile's place on a canvas, and its share of what is there, (h, w): all shares of a place sum to 1.

    Once the `last` tile of a row is there, nothing more is added to the rows before `below`.
    """

    rows: slice
    columns: slice
    share: Tensor
    last: bool
    below: int


class Enlargement:
    """One second pass, over a picture as large as the request wants it. Touch it from one thread only."""

    def __init__(
        self,
        model: Model,
        request: GenerationRequest,
        tiles: Tiles,
        words: tuple[Tensor, Tensor | None],
        bind: Callable[[], None],
        previewer: Previewer | None,
        quanta: tuple[int, int],
    ) -> None:
        """`words` and the negative ones as embeddings; `bind` makes the request's styles hold before a quantum that
        draws; `quanta` are those done before, and those of the whole request."""
        self._model, self._request, self._tiles, self._words = model, request, tiles, words
        self._bind, self._previewer = bind, previewer
        self._step, self._steps = quanta
        factor = model.vae_scale_factor
        self._pixels, self._latents = list(parts(tiles)), list(parts(tiles, factor))
        self._shape = (1, model.latent_channels, tiles.canvas_height // factor, tiles.canvas_width // factor)

    def draw(self, frame: Frame) -> Generator[Event, None, None]:
        """Progress after each quantum, then the picture: `frame`, enlarged."""
        clean = yield from self._encode(Source(frame, self._request.width, self._request.height))
        latents = yield from self._denoise(clean)
        del clean
        check_latents(latents, self._request)
        picture = yield from self._decode(latents)
        check_frame(picture, self._request)
        yield Picture(picture)

    def _encode(self, source: Source) -> Generator[Event, None, Tensor]:
        """The source's latents, on the host."""
        clean = torch.zeros(self._shape)
        for pixels, part in zip(self._pixels, self._latents, strict=True):
            region = source.region(pixels.columns.start, pixels.rows.start, self._tiles.width, self._tiles.height)
            _add(clean, part, encode(self._model.vae, region.to(self._model.device)))
            yield self._progress("encode", part, clean)
        return clean

    def _denoise(self, clean: Tensor) -> Generator[Event, None, Tensor]:
        """From noise over `clean` to what is decoded. What is known of that already takes the place of `clean`."""
        model, request, tiles = self._model, self._request, self._tiles
        noise = start_noise(
            request.seed, model.latent_channels, tiles.canvas_width, tiles.canvas_height, model.vae_scale_factor
        )
        usual = torch.empty((*self._shape[:2], *self._latents[0].share.shape), device=model.device)
        schedule = schedule_for(model, usual, request.num_inference_steps, request.first_step)
        sigmas = schedule.sigmas.cpu()
        latents = cover_with_noise(clean, noise, sigmas[request.first_step])
        del noise
        for step in range(request.first_step, request.num_inference_steps):
            velocity = torch.zeros(self._shape)
            for part in self._latents:
                self._bind()
                here = latents[..., part.rows, part.columns].to(model.device)
                timestep = schedule.timesteps[step]
                _add(velocity, part, velocity_at(model, here, timestep, *self._words, request.guidance_scale))
                if part.last:
                    rows = slice(part.rows.start, part.below)
                    clean[..., rows, :] = latents[..., rows, :] - sigmas[step] * velocity[..., rows, :]
                yield self._progress("denoise", part, clean)
            latents += (sigmas[step + 1] - sigmas[step]) * velocity
        return latents

    def _decode(self, latents: Tensor) -> Generator[Event, None, Frame]:
        """Pixels. Of a row of tiles only what the next one adds to is kept in floats."""
        width, height = self._request.width, self._request.height
        picture = np.empty((height, width, 3), np.uint8)
        band = torch.zeros((1, 3, self._tiles.height, self._tiles.canvas_width))
        for pixels, part in zip(self._pixels, self._latents, strict=True):
            tile = latents[..., part.rows, part.columns].to(self._model.device)
            band[..., pixels.columns] += decode_pixels(self._model.vae, tile).cpu() * pixels.share
            if pixels.last:
                top, whole = pixels.rows.start, pixels.below - pixels.rows.start
                picture[top : pixels.below] = to_bytes(band[0, :, :whole, :width])[: height - top]
                band = torch.nn.functional.pad(band[..., whole:, :], (0, 0, 0, whole))
            if pixels is not self._pixels[-1]:
                yield self._progress("decode", part, None)
        return Frame(width, height, picture.tobytes())

    def _progress(self, stage: Stage, part: Part, clean: Tensor | None) -> Progress:
        """A quantum is done. A row of tiles is worth a look."""
        self._step += 1
        if self._previewer is None or clean is None or not part.last:
            return Progress(stage, self._step, self._steps)
        return Progress(stage, self._step, self._steps, self._previewer(clean))


def parts(tiles: Tiles, factor: int = 1) -> Iterator[Part]:
    """The tiles on a canvas whose unit is `factor` pixels, row by row."""
    width, height = tiles.width // factor, tiles.height // factor
    xs, ys = [x // factor for x in tiles.xs], [y // factor for y in tiles.ys]
    across, down = _shares(xs, width), _shares(ys, height)
    for row, y in enumerate(ys):
        below = ys[row + 1] if row + 1 < len(ys) else y + height
        for column, x in enumerate(xs):
            share = down[row][:, None] * across[column]
            yield Part(slice(y, y + height), slice(x, x + width), share, column + 1 == len(xs), below)


def _shares(starts: Sequence[int], side: int) -> list[Tensor]:
    """Along one axis, for each tile (side,) in 0..1: it rises from one edge that is shared, and falls to the other."""
    at = torch.arange(side, dtype=torch.float64) + 0.5
    shares = [torch.ones(side, dtype=torch.float64) for _ in starts]
    total = torch.zeros(starts[-1] + side, dtype=torch.float64)
    for n, start in enumerate(starts):
        if n:
            shares[n] *= _rise(at / (starts[n - 1] + side - start))
        if n + 1 < len(starts):
            shares[n] *= _rise((side - at) / (start + side - starts[n + 1]))
        total[start : start + side] += shares[n]
    return [(share / total[start : start + side]).float() for share, start in zip(shares, starts, strict=True)]


def _rise(x: Tensor) -> Tensor:
    return torch.sin(x.clamp(0, 1) * (pi / 2)) ** 2


def _add(canvas: Tensor, part: Part, tile: Tensor) -> None:
    canvas[..., part.rows, part.columns] += tile.cpu() * part.share
