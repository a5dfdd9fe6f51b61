"""Pictures of other programs say what they were made with, as far as it can be used here, and what cannot is named."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import UserError
from core.request import StyleUse
from studio.metadata import Found, Settings, read
from tests.studio.metadata import samples

SAMPLES: dict[str, tuple[bytes, str, Settings, dict[str, str]]] = {
    "A1111": (
        samples.png(parameters=samples.A1111),
        "AUTOMATIC1111",
        Settings(
            "masterpiece, (red house:1.2), snow\nsecond line",
            "blurry, low quality\nstill negative",
            2871459365,
            28,
            6.0,
            832,
            1216,
            (StyleUse("anime_v3", 0.8), StyleUse("detail-tweaker", -0.5)),
        ),
        {
            "Sampler": "DPM++ 2M",
            "Schedule type": "Karras",
            "Model": "sd_xl_base_1.0",
            "Denoising strength": "0.35",
            "Clip skip": "2",
            "Hires upscaler": "4x-UltraSharp",
        },
    ),
    "Forge": (
        samples.png(parameters=samples.FORGE),
        "Forge",
        Settings("a lighthouse at night", None, 12345, 8, 0.0, 1024, 1024),
        {"Distilled CFG Scale": "3.5", "Model": "z_image_turbo_bf16", "Module 1": "ae", "Module 2": "qwen_3_4b"},
    ),
    "Fooocus": (
        samples.png(fooocus_scheme="fooocus", parameters=samples.FOOOCUS),
        "Fooocus",
        Settings(
            "a fox in the snow", "ugly", None, 30, 3.0, 1152, 896, (StyleUse("sd_xl_offset_example-lora_1.0", 0.1),)
        ),
        {
            "adm_guidance": "(1.5, 0.8, 0.3)",
            "base_model": "juggernautXL_v8Rundiffusion",
            "clip_skip": "2",
            "performance": "Speed",
            "prompt_expansion": "a fox in the snow, sharp focus",
            "refiner_switch": "0.5",
            "sampler": "dpmpp_2m_sde_gpu",
            "scheduler": "karras",
            "seed": "5211873462907315102",  # more than a browser can hold
            "sharpness": "2",
            "styles": "['Fooocus V2', 'Fooocus Enhance']",
            "vae": "Default (model)",
        },
    ),
    "Fooocus, A1111's scheme": (
        samples.png(fooocus_scheme="a1111", parameters=samples.FOOOCUS_A1111),
        "Fooocus",
        Settings(
            "cinematic still of a fox, sharp focus", "ugly, blurry", 77, 30, 3.0, 1152, 896, (StyleUse("offset", 0.1),)
        ),
        {
            "Sampler": "DPM++ 2M SDE Karras",
            "Sharpness": "2",
            "ADM Guidance": "(1.5, 0.8, 0.3)",
            "Model": "juggernautXL_v8Rundiffusion",
            "Performance": "Speed",
            "Scheduler": "karras",
            "VAE": "Default (model)",
            "Styles": "['Fooocus V2']",
        },
    ),
    "InvokeAI": (
        samples.png(invokeai_metadata=samples.INVOKEAI),
        "InvokeAI",
        Settings("a castle on a hill", "fog", 3141592653, 25, 5.5, 1024, 768, (StyleUse("papercut", 0.75),)),
        {"scheduler": "dpmpp_3m_k", "model": "Juggernaut XL v9"},
    ),
    "InvokeAI 3": (
        samples.png(invokeai_metadata=samples.INVOKEAI_3),
        "InvokeAI",
        Settings("an owl", "", 9, 20, 6.5, 512, 512, (StyleUse("ink", 1.1),)),
        {"scheduler": "euler", "model": "stable-diffusion-v1-5"},
    ),
    "InvokeAI 2": (
        samples.png(sd__metadata=samples.SD_METADATA, Dream=samples.DREAM),
        "InvokeAI",
        Settings("a red barn", "people, cars", 42, 50, 6.5, 640, 512),
        {"sampler": "k_euler_a", "model_weights": "stable-diffusion-1.5"},
    ),
    "Dream": (
        samples.png(Dream=samples.DREAM),
        "InvokeAI",
        Settings("a red barn", "people", 1234567, 50, 6.5, 512, 768),
        {"sampler": "k_lms"},
    ),
    "Dream, tight": (
        samples.png(Dream=samples.DREAM_TIGHT),
        "InvokeAI",
        Settings('a "quoted" barn', None, 42, 50, 6.5, 512, 512),
        {"sampler": "k_lms"},
    ),
    "ComfyUI": (
        samples.png(prompt=samples.COMFYUI),
        "ComfyUI",
        Settings(
            "a glass bottle",
            "text, watermark",
            156680208700286,
            20,
            7.0,
            512,
            768,
            (StyleUse("ink wash", 0.6), StyleUse("detail", -0.25)),
        ),
        {"sampler_name": "dpmpp_2m", "scheduler": "karras", "ckpt_name": "sdxl.safetensors"},
    ),
    "ComfyUI, two passes": (
        samples.png(prompt=samples.COMFYUI_TWO_PASSES),
        "ComfyUI",
        Settings("a harbour, at dusk", "fog", 777, 12, 4.5, 640, 896),
        {"ckpt_name": "sdxl.safetensors"},
    ),
    "ComfyUI, custom sampler": (
        samples.png(prompt=samples.COMFYUI_CUSTOM),
        "ComfyUI",
        Settings("a tea house", None, 31337, 9, None, 1024, 1024, (StyleUse("paper", 0.9),)),
        {"unet_name": "z_image_turbo_bf16.safetensors", "ModelSamplingAuraFlow": "3"},
    ),
    "ComfyUI, the editor's form": (
        samples.png(workflow=samples.COMFYUI_WORKFLOW),
        "ComfyUI",
        Settings("a kite", "rain", 42, 14, 3.5, 768, 512),
        {"ckpt_name": "sdxl.safetensors"},
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_of_each_program_fills_what_is_known_and_names_the_rest(name: str) -> None:
    picture, origin, settings, unused = SAMPLES[name]
    found = read(picture)
    assert found.origin == origin
    assert found.settings == settings
    assert dict(found.unused) == unused
    assert found.facts is None


WAYS: dict[str, Callable[[str], bytes]] = {
    "PNG": lambda text: samples.png(parameters=text),
    "PNG, packed": lambda text: samples.png(packed=True, parameters=text),
    "JPEG": lambda text: samples.encoded("JPEG", exif=samples.user_comment(b"UNICODE\0" + text.encode("utf-16-be"))),
    "JPEG, low byte first": lambda text: samples.encoded(
        "JPEG", exif=samples.user_comment(b"UNICODE\0" + text.encode("utf-16-le"), "<")
    ),
    "JPEG, a byte order mark": lambda text: samples.encoded(
        "JPEG", exif=samples.user_comment(b"UNICODE\0" + text.encode("utf-16"), "<")
    ),
    "JPEG, plain": lambda text: samples.encoded("JPEG", exif=samples.user_comment(b"ASCII\0\0\0" + text.encode())),
    "JPEG, its comment": lambda text: samples.encoded("JPEG", comment=text.encode()),
    "WebP": lambda text: samples.encoded("WEBP", exif=samples.user_comment(b"UNICODE\0" + text.encode("utf-16-be"))),
    "WebP, nothing said": lambda text: samples.encoded("WEBP", exif=samples.user_comment(bytes(8) + text.encode())),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prompt", ["a red house", "雪中的红房子，灯光", "café \N{SNOWMAN} \N{FOX FACE}", "بيت أحمر"])
def test_a_text_is_read_wherever_and_in_whatever_script_it_stands(way: str, prompt: str) -> None:
    found = read(WAYS[way](f"{prompt}\nSteps: 8, Sampler: Euler, CFG scale: 1, Seed: 5, Size: 512x512"))
    assert found.settings == Settings(prompt, None, 5, 8, 0.0, 512, 512)


def test_fooocus_and_comfyui_are_read_from_jpeg_and_webp_too() -> None:
    text = samples.FOOOCUS_A1111
    for picture in (
        samples.encoded("JPEG", exif=samples.fooocus_exif(text, "a1111")),
        samples.encoded("WEBP", exif=samples.fooocus_exif(text, "a1111")),
    ):
        assert read(picture) == read(samples.png(fooocus_scheme="a1111", parameters=text))
    webp = samples.encoded("WEBP", exif=samples.comfyui_exif(samples.COMFYUI))
    assert read(webp) == read(samples.png(prompt=samples.COMFYUI))


def unused_of(parameters: str) -> dict[str, str]:
    return dict(read(samples.png(parameters=parameters)).unused)


def test_what_no_request_can_hold_is_named_and_not_bent() -> None:
    text = "x\nSteps: 500, Sampler: Euler, CFG scale: 0.5, Seed: -1, Size: 99999x4"
    found = read(samples.png(parameters=text))
    assert found.settings == Settings("x")
    assert dict(found.unused) == {"Steps": "500", "CFG scale": "0.5", "Seed": "-1", "Size": "99999x4"}
    for weight in ("9", "1e999"):
        assert unused_of(f"x <lora:big:{weight}>\nSteps: 8, Seed: 1, CFG scale: 1") in ({"LoRA": "big 9"}, {})


def test_a_prompt_alone_is_a_prompt_in_a_png_and_a_comment_elsewhere() -> None:
    assert read(samples.png(parameters="just words: here")).settings == Settings("just words: here")
    for picture in (
        samples.encoded("JPEG", comment=b"CREATOR: gd-jpeg v1.0, quality = 90"),
        samples.encoded("JPEG", exif=samples.user_comment(b"ASCII\0\0\0Screenshot")),
    ):
        with pytest.raises(UserError, match="no settings in that picture"):
            read(picture)


def test_the_negative_prompt_of_a_control_net_is_told_from_the_positive() -> None:
    graph: dict[str, Any] = samples.COMFYUI_TWO_PASSES
    swapped = {**graph, "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "clouds", "clip": ["4", 1]}}}
    found: Found = read(samples.png(prompt=swapped))
    assert (found.settings.prompt, found.settings.negative_prompt) == ("a harbour, at dusk", "clouds")


def test_a_graph_that_goes_in_circles_or_leads_nowhere_is_read_as_far_as_it_goes() -> None:
    loop: dict[str, Any] = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "model": ["3", 0], "seed": ["4", 0],
                                                   "latent_image": ["1", 0], "steps": 5}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": ["2", 0]}},
        "3": {"class_type": "LoraLoader", "inputs": {"lora_name": "a", "strength_model": 1, "model": ["3", 0]}},
        "4": {"class_type": "Reroute", "inputs": {"": ["4", 0]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }  # fmt: skip
    found = read(samples.png(prompt=loop))
    assert found.settings == Settings(num_inference_steps=5, styles=(StyleUse("a"),))
