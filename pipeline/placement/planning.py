"""Which memory tier a model gets on this device, under these settings."""

import torch

from core.config import MemoryConfig, StylesConfig
from core.engine import ModelInfo, Tier
from pipeline import memory
from pipeline.describe import locate
from pipeline.lora.cache import MB
from pipeline.model import pick_dtype
from pipeline.placement.tiers import EXACT, TIERS, Plan, choose, measure


def plan(info: ModelInfo, device: torch.device, settings: MemoryConfig, styles: StylesConfig) -> Plan:
    """The tier, with what it needs and what there is. 8 bits are left to graphics cards, unless asked for.

    Raises UserError when nothing fits, saying what would; what is wrong with weights is left to those who read them.
    """
    wanted: Tier | None = next((tier for tier in TIERS if tier == settings.tier), None)
    budget = memory.budget_of(device, settings.budget_gb)
    on_device = 0 if device.type == "cpu" else styles.device_mb * MB  # on a CPU they are mapped files
    try:
        needs = measure(locate(info.path, weights=True), info, pick_dtype(device).itemsize, on_device)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Plan(wanted or "resident")
    asked_for = 0 if wanted is not None and not settings.budget_gb else budget
    return choose(needs, asked_for, wanted, TIERS if device.type == "cuda" else EXACT)
