"""Picture files shaped as the programs of this world write them, made with Pillow and not with our own writer."""

import io
import json
import struct
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

A1111 = (
    "masterpiece, (red house:1.2), <lora:anime_v3:0.8>, snow\nsecond line <lora:detail-tweaker:-0.5:1>\n"
    "Negative prompt: blurry, low quality\nstill negative\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 2871459365, Size: 832x1216, "
    "Model hash: 31e35c80fc, Model: sd_xl_base_1.0, Denoising strength: 0.35, Clip skip: 2, "
    'Lora hashes: "anime_v3: 0a1b2c3d4e5f, detail-tweaker: 7c6bad76eb54", Hires upscaler: 4x-UltraSharp, '
    "Version: v1.10.1"
)
FORGE = (
    "a lighthouse at night\nSteps: 8, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, "
    "Seed: 12345, Size: 1024x1024, Model: z_image_turbo_bf16, Version: f2.0.1v1.10.1-previous-659-gc055f2d4, "
    "Module 1: ae, Module 2: qwen_3_4b"
)
FOOOCUS: dict[str, Any] = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "full_negative_prompt": ["ugly", "blurry"],
    "full_prompt": ["cinematic still of a fox", "sharp focus"],
    "guidance_scale": 4,
    "lora_combined_1": "sd_xl_offset_example-lora_1.0 : 0.1",
    "loras": [["sd_xl_offset_example-lora_1.0", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "ugly",
    "performance": "Speed",
    "prompt": "a fox in the snow",
    "prompt_expansion": "a fox in the snow, sharp focus",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "5211873462907315102",
    "sharpness": 2,
    "steps": 30,
    "styles": "['Fooocus V2', 'Fooocus Enhance']",
    "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}
FOOOCUS_A1111 = (
    "cinematic still of a fox, sharp focus\nNegative prompt: ugly, blurry\n"
    "Steps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 77, Size: 1152x896, CFG scale: 4, Sharpness: 2, "
    'ADM Guidance: "(1.5, 0.8, 0.3)", Model: juggernautXL_v8Rundiffusion, Model hash: aeb7e9e689, Performance: Speed, '
    "Scheduler: karras, VAE: Default (model), Styles: \"['Fooocus V2']\", "
    'Lora hashes: "offset: 4852686128: 0.1", Version: Fooocus v2.5.5'
)
INVOKEAI: dict[str, Any] = {
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a castle on a hill",
    "negative_prompt": "fog",
    "width": 1024,
    "height": 768,
    "seed": 3141592653,
    "rand_device": "cpu",
    "cfg_scale": 6.5,
    "cfg_rescale_multiplier": 0,
    "steps": 25,
    "scheduler": "dpmpp_3m_k",
    "clip_skip": 0,
    "model": {"key": "a1-b2", "hash": "blake3:0f", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"key": "c3", "name": "papercut", "base": "sdxl", "type": "lora"}, "weight": 0.75}],
    "positive_style_prompt": "",
    "app_version": "5.6.0",
}
INVOKEAI_3: dict[str, Any] = {
    "app_version": "3.4.0",
    "positive_prompt": "an owl",
    "negative_prompt": "",
    "width": 512,
    "height": 512,
    "seed": 9,
    "cfg_scale": 7.5,
    "steps": 20,
    "scheduler": "euler",
    "model": {"model_name": "stable-diffusion-v1-5", "base_model": "sd-1", "model_type": "main"},
    "loras": [{"lora": {"model_name": "ink", "base_model": "sd-1"}, "weight": 1.1}],
}
SD_METADATA: dict[str, Any] = {
    "model": "stable diffusion",
    "model_weights": "stable-diffusion-1.5",
    "model_hash": "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "a red barn [people, cars]", "weight": 1.0}],
        "steps": 50,
        "cfg_scale": 7.5,
        "threshold": 0,
        "perlin": 0,
        "height": 512,
        "width": 640,
        "seed": 42,
        "seamless": False,
        "type": "txt2img",
        "postprocessing": None,
        "sampler": "k_euler_a",
        "variations": [],
    },
}
DREAM = '"a red barn, [people]" -s 50 -S 1234567 -W 512 -H 768 -C 7.5 -A k_lms'
DREAM_TIGHT = '"a "quoted" barn" -s50 -S42 -W512 -H512 -C7.5 -Ak_lms'

_CHECKPOINT = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}}
COMFYUI: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras",
            "denoise": 1, "model": ["11", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": _CHECKPOINT,
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle", "clip": ["11", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["11", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "looks\\ink wash.safetensors", "strength_model": 0.6, "strength_clip": 1.0,
            "model": ["4", 0], "clip": ["4", 1],
        },
    },
    "11": {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"lora_name": "detail.safetensors", "strength_model": -0.25, "model": ["10", 0]},
    },
}  # fmt: skip
# A second pass over an enlarged latent; prompt and seed come from other nodes; the negative is a ControlNet's.
COMFYUI_TWO_PASSES: dict[str, Any] = {
    "1": {
        "class_type": "KSamplerAdvanced",
        "inputs": {
            "add_noise": "enable", "noise_seed": ["20", 0], "steps": 12, "cfg": 5.5, "sampler_name": "euler",
            "scheduler": "simple", "start_at_step": 0, "end_at_step": 10000, "return_with_leftover_noise": "disable",
            "model": ["4", 0], "positive": ["30", 0], "negative": ["30", 1], "latent_image": ["5", 0],
        },
    },
    "2": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1, "steps": 6, "cfg": 3, "sampler_name": "euler", "scheduler": "simple", "denoise": 0.5,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["12", 0],
        },
    },
    "4": _CHECKPOINT,
    "5": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 640, "height": ["21", 0], "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["22", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
    "12": {"class_type": "LatentUpscaleBy", "inputs": {"samples": ["1", 0], "scale_by": 1.5}},
    "20": {"class_type": "Seed (rgthree)", "inputs": {"seed": 777}},
    "21": {"class_type": "INTConstant", "inputs": {"value": 896}},
    "22": {
        "class_type": "StringConcatenate",
        "inputs": {"string_a": ["23", 0], "string_b": "at dusk", "delimiter": ", "},
    },
    "23": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a harbour"}},
    "30": {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "control_net": ["31", 0], "strength": 1.0},
    },
    "31": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "depth.safetensors"}},
}  # fmt: skip
COMFYUI_CUSTOM: dict[str, Any] = {
    "1": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0],
        },
    },
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 31337}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["10", 0], "conditioning": ["7", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "5": {
        "class_type": "BasicScheduler",
        "inputs": {"scheduler": "simple", "steps": 9, "denoise": 1.0, "model": ["10", 0]},
    },
    "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "7": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["8", 0]}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "a tea house", "clip": ["9", 0]}},
    "9": {"class_type": "CLIPLoader", "inputs": {"clip_name": "qwen_3_4b.safetensors", "type": "lumina2"}},
    "10": {
        "class_type": "Power Lora Loader (rgthree)",
        "inputs": {
            "lora_1": {"on": True, "lora": "paper.safetensors", "strength": 0.9},
            "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
            "model": ["11", 0],
        },
    },
    "11": {"class_type": "ModelSamplingAuraFlow", "inputs": {"shift": 3, "model": ["12", 0]}},
    "12": {"class_type": "UNETLoader", "inputs": {"unet_name": "z_image_turbo_bf16.safetensors"}},
    "13": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": ["14", 0]}},
    "14": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "15": {"class_type": "SaveImage", "inputs": {"images": ["13", 0]}},
}  # fmt: skip
COMFYUI_WORKFLOW: dict[str, Any] = {
    "last_node_id": 9,
    "nodes": [
        {
            "id": 3, "type": "KSampler", "widgets_values": [42, "randomize", 14, 4.5, "euler", "simple", 1],
            "inputs": [
                {"name": "model", "type": "MODEL", "link": 1},
                {"name": "positive", "type": "CONDITIONING", "link": 4},
                {"name": "negative", "type": "CONDITIONING", "link": 6},
                {"name": "latent_image", "type": "LATENT", "link": 2},
            ],
        },
        {"id": 4, "type": "CheckpointLoaderSimple", "inputs": [], "widgets_values": ["sdxl.safetensors"]},
        {"id": 5, "type": "EmptyLatentImage", "inputs": [], "widgets_values": [768, 512, 1]},
        {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 3}], "widgets_values": ["a kite"]},
        {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 5}], "widgets_values": ["rain"]},
        {"id": 8, "type": "VAEDecode", "inputs": [{"name": "samples", "link": 7}, {"name": "vae", "link": 8}]},
        {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "link": 9}], "widgets_values": ["ComfyUI"]},
    ],
    "links": [
        [1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"], [4, 6, 0, 3, 1, "CONDITIONING"],
        [5, 4, 1, 7, 0, "CLIP"], [6, 7, 0, 3, 2, "CONDITIONING"], [7, 3, 0, 8, 0, "LATENT"], [8, 4, 2, 8, 1, "VAE"],
        [9, 8, 0, 9, 0, "IMAGE"],
    ],
    "version": 0.4,
}  # fmt: skip


def image(side: int = 24) -> Image.Image:
    """Pixels that no coder finds easy."""
    return Image.frombytes("RGB", (side, side), bytes((n * n * 7 + n * 31) % 256 for n in range(side * side * 3)))


def encoded(kind: str, **options: Any) -> bytes:
    """Without a word in it."""
    out = io.BytesIO()
    image().save(out, kind, **options)
    return out.getvalue()


def png(packed: bool = False, **texts: str | dict[str, Any]) -> bytes:
    """With texts as Pillow writes them: Latin-1 where it can be, else UTF-8."""
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name.replace("__", "-"), text if isinstance(text, str) else json.dumps(text), zip=packed)
    return encoded("PNG", pnginfo=info)


def user_comment(value: bytes, order: str = ">") -> bytes:
    """EXIF as piexif lays it out: a directory that points to one with the comment."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    first = struct.pack(f"{order}HHHIII", 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack(f"{order}HHHIII", 1, 0x9286, 7, len(value), 44, 0)
    return b"Exif\0\0" + mark + struct.pack(f"{order}I", 8) + first + second + value


def fooocus_exif(text: str, scheme: str) -> bytes:
    """Fooocus puts everything into the first directory, as plain text."""
    exif = Image.Exif()
    exif[0x9286] = text
    exif[0x0131] = "Fooocus v2.5.5"
    exif[0x927C] = scheme
    return exif.tobytes()


def comfyui_exif(prompt: dict[str, Any]) -> bytes:
    """As its animated WebP files have it."""
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{json.dumps(prompt)}"
    return exif.tobytes()
