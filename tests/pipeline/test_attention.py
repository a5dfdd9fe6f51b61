"""Attention for compiled blocks computes what diffusers' does, by the kernel that is plainly the quickest."""

import pytest
import torch

from pipeline.attention import chosen, quickest, rotate


def test_rotation_in_real_numbers_is_that_in_complex_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 96, 4, 64, generator=generator)
    turns = torch.polar(torch.ones(1, 96, 32), torch.randn(1, 96, 32, generator=generator))
    complex_ = torch.view_as_complex(x.reshape(1, 96, 4, 32, 2)) * turns.unsqueeze(2)
    assert torch.allclose(rotate(x, torch.view_as_real(turns)), torch.view_as_real(complex_).flatten(3), atol=1e-6)


@pytest.mark.parametrize(
    ("seconds", "kernel"),
    [
        ({"native": 1.0}, "native"),
        ({"native": 1.0, "_native_cudnn": 0.96, "_native_flash": 0.99}, "native"),
        ({"native": 1.0, "_native_cudnn": 0.8, "_native_flash": 0.9}, "_native_cudnn"),
        ({"native": 1.0, "_native_flash": 0.9}, "_native_flash"),
    ],
)
def test_another_kernel_has_to_be_plainly_quicker(seconds: dict[str, float], kernel: str) -> None:
    assert chosen(seconds) == kernel


def test_on_a_processor_it_is_torchs_own_choice() -> None:
    assert quickest(32, 2, 16, torch.device("cpu"), torch.float32) == "native"
