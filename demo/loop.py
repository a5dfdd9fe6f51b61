"""One training loop for every stage: a steady rate that falls at the end, averaged weights, checkpoints.

AdamW for everything but the matrices inside of a transformer's blocks, which a stage may give to Muon: from the same
weights and over the same batches it came lower at every rate (`README.md` has the figures).
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

SAVE_EVERY_S = 120.0
LOG_EVERY = 50


@dataclass(frozen=True)
class Plan:
    """How long and how fast. `minutes` only pauses: what is learned depends on the steps alone.

    The rate goes down to nothing over the last `falling` of the steps, a share. `compiled` asks the stage to compile
    what it can, which takes a minute and pays after a few hundred steps.
    """

    steps: int
    learning_rate: float
    warmup: int = 200
    ema_decay: float = 0.999
    minutes: float = float("inf")
    falling: float = 0.3
    save_every_s: float = SAVE_EVERY_S
    compiled: bool = True

    def rate(self, step: int) -> float:
        left = (1 - step / self.steps) / self.falling
        return self.learning_rate * min(1.0, (step + 1) / self.warmup, max(0.02, left))


def fingerprint(model: nn.Module) -> str:
    """Twelve letters that stand for the weights of `model` and for its settings: what rests on others is made anew."""
    digest = sha256(repr(sorted((k, str(v)) for k, v in model.config.items() if k[0] != "_")).encode())
    for tensor in model.state_dict().values():
        digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def checkpoint(name: str, folder: Path) -> Path:
    """Where the state of a run is kept."""
    return folder / f"{name}.pt"


def recall(name: str, parameters: Sequence[nn.Parameter], folder: Path, stage: str = "") -> None:
    """Leave in `parameters` what the run `name` has learned so far: its averaged values.

    Raises FileNotFoundError when it has not begun, before something is built on random weights.
    """
    file = checkpoint(name, folder)
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there: train that stage first (--stage {stage or name})")
    state = torch.load(file, weights_only=True, map_location=parameters[0].device)
    with torch.no_grad():
        for p, average in zip(parameters, state["ema"], strict=True):
            p.copy_(average)


def inner_matrices(blocks: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The matrices of `blocks`: what Muon is made for. Embeddings, norms and what leads in and out are not."""
    return [p for block in blocks for p in block.parameters() if p.ndim == 2]


def train(
    name: str,
    parameters: Sequence[nn.Parameter],
    loss_at: Callable[[int], Tensor],
    plan: Plan,
    folder: Path,
    inner: Sequence[nn.Parameter] = (),
) -> bool:
    """Train `parameters` in place, then leave their averaged (EMA) values in them. False when `plan.minutes` ran out.

    Those of `parameters` that are `inner` ones too are trained by Muon, the others by AdamW.

    `loss_at(step)` draws its own batch from the step's number alone, so that a run which was killed goes on as if
    it had not been. State is kept in `folder/name.pt`, written whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(checkpoint(name, folder), parameters, inner, plan)
    first = run.step
    if first:
        print(f"{name}: going on from step {first}", flush=True)
    started = saved_at = time.monotonic()
    losses: list[Tensor] = []
    while run.step < plan.steps:
        losses.append(run.advance(loss_at(run.step)))
        now = time.monotonic()
        if run.step % LOG_EVERY == 0:
            pace = (now - started) / (run.step - first)
            loss = float(torch.stack(losses).mean())
            left = pace * (plan.steps - run.step) / 60
            print(f"{name} {run.step}/{plan.steps} loss {loss:.4f} {pace:.3f} s/step, {left:.0f} min left", flush=True)
            losses.clear()
        if now - saved_at > plan.save_every_s:
            run.save()
            saved_at = now
        if now - started > 60 * plan.minutes:
            break
    if run.step > first:
        run.save()
    run.take_average()
    return run.step >= plan.steps


class _Run:
    """The state that a checkpoint holds, and how one step changes it."""

    def __init__(
        self, checkpoint: Path, parameters: Sequence[nn.Parameter], inner: Sequence[nn.Parameter], plan: Plan
    ) -> None:
        self.checkpoint, self.parameters, self.plan = checkpoint, parameters, plan
        self.step = 0
        matrices = {id(p) for p in inner}
        others = [p for p in parameters if id(p) not in matrices]
        rate, decay = plan.learning_rate, 0.01
        self.optimizers: list[torch.optim.Optimizer] = []
        if others:
            self.optimizers.append(
                torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=decay, fused=True)
            )
        if inner:  # with steps of AdamW's size, so that one rate serves both
            self.optimizers.append(torch.optim.Muon(inner, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
        self.ema = [p.detach().clone() for p in parameters]
        if checkpoint.exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.parameters[0].device)
        self.step = state["step"]
        for optimizer, its in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its)
        with torch.no_grad():
            for p, average, was, was_average in zip(
                self.parameters, self.ema, state["parameters"], state["ema"], strict=True
            ):
                p.copy_(was)
                average.copy_(was_average)

    def advance(self, loss: Tensor) -> Tensor:
        """One step down `loss`; returns it, detached."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.plan.rate(self.step)
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        decay = min(self.plan.ema_decay, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1 - decay)
        self.step += 1
        return loss.detach()

    def save(self) -> None:
        partial = self.checkpoint.with_suffix(".partial")
        values = [p.detach() for p in self.parameters]
        torch.save(
            {
                "step": self.step,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "parameters": values,
                "ema": self.ema,
            },
            partial,
        )
        os.replace(partial, self.checkpoint)

    def take_average(self) -> None:
        with torch.no_grad():
            for p, average in zip(self.parameters, self.ema, strict=True):
                p.copy_(average)
