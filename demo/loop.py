"""One training loop for every stage: AdamW, a steady rate that falls at the end, averaged weights, checkpoints."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

SAVE_EVERY_S = 60.0
LOG_EVERY = 50
FALLING = 0.3  # of the steps, at the end: the learning rate goes down to nothing


def train(
    name: str,
    parameters: Sequence[nn.Parameter],
    loss_at: Callable[[int], Tensor],
    *,
    steps: int,
    learning_rate: float,
    folder: Path,
    ema_decay: float = 0.999,
    warmup: int = 200,
    save_every_s: float = SAVE_EVERY_S,
) -> None:
    """Train `parameters` in place for `steps`, then leave their averaged (EMA) values in them.

    `loss_at(step)` draws its own batch from the step's number alone, so that a run which was killed goes on as if
    it had not been. State is kept in `folder/name.pt`, written whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{name}.pt"
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    ema = [p.detach().clone() for p in parameters]
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        first = state["step"]
        optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            for p, saved in zip(parameters, state["parameters"], strict=True):
                p.copy_(saved)
        ema = state["ema"]
        print(f"{name}: going on from step {first}", flush=True)

    def save(step: int) -> None:
        values = [p.detach() for p in parameters]
        partial = checkpoint.with_suffix(".partial")
        torch.save({"step": step, "optimizer": optimizer.state_dict(), "parameters": values, "ema": ema}, partial)
        os.replace(partial, checkpoint)

    started = saved_at = time.monotonic()
    total = 0.0
    for step in range(first, steps):
        rate = learning_rate * min(1.0, (step + 1) / warmup, max(0.02, (1 - step / steps) / FALLING))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = loss_at(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        decay = min(ema_decay, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(ema, [p.detach() for p in parameters], 1 - decay)
        total += float(loss.detach())
        if (step + 1) % LOG_EVERY == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            left = pace * (steps - step - 1) / 60
            print(
                f"{name} {step + 1}/{steps} loss {total / LOG_EVERY:.4f} {pace:.3f} s/step, {left:.0f} min left",
                flush=True,
            )
            total = 0.0
        if time.monotonic() - saved_at > save_every_s:
            save(step + 1)
            saved_at = time.monotonic()
    if first < steps:
        save(steps)
    with torch.no_grad():
        for p, average in zip(parameters, ema, strict=True):
            p.copy_(average)
