"""Memory that runs out, a device that goes away: a job is drawn with less, or fails with advice, and the next one runs.

The real engine on the demo model; what fails is made to fail where it would.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from core.config import Config, MemoryConfig, ModelConfig, PathsConfig
from core.engine import Engine, ModelInfo
from core.errors import UserError
from core.request import GenerationRequest, StyleUse
from pipeline import doctor, memory
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import pick_dtype
from pipeline.placement.files import files_of
from pipeline.placement.placement import Placement
from pipeline.placement.tiers import COMPONENTS, Plan
from studio.build import Studio, assemble
from studio.job import Snapshot
from tests.pipeline.conftest import find_photo, photo, source

CUDA = torch.device("cuda")
STAGES = ("text", "encode", "denoise", "preview", "decode", "style")
Fail = Callable[[str, int], None]


@pytest.fixture(scope="module")
def info(demo_model: Path) -> ModelInfo:
    return describe(str(demo_model))


@pytest.fixture(scope="module")
def loaded(info: ModelInfo, demo_styles: Path) -> TorchEngine:
    made = TorchEngine(info, demo_styles, "cpu", sources=find_photo)
    list(made.load())
    return made


@pytest.fixture
def engine(loaded: TorchEngine) -> TorchEngine:
    """In the resident tier, whatever the test before has made of it, and with nothing at hand."""
    if loaded.placement.tier != "resident":
        loaded.placement.close()
        modules = {name: getattr(loaded.model, name) for name in COMPONENTS}
        loaded.placement = Placement(modules, loaded.model.device, Plan(), files_of(Path(loaded.info.path), COMPONENTS))
    loaded.free()
    return loaded


@pytest.fixture
def open_studio(data_folder: Path, demo_styles: Path, info: ModelInfo) -> Iterator[Callable[..., Studio]]:
    opened: list[Studio] = []

    def open_one(engine: Callable[[], Engine]) -> Studio:
        config = Config(paths=PathsConfig(lora=demo_styles, data=data_folder))
        opened.append(assemble(config, info, engine, do=lambda task: task()))
        opened[-1].sources.check = lambda *_: None  # type: ignore[method-assign]  # the engine of this test finds it
        return opened[-1]

    yield open_one
    for studio in opened:
        studio.close()


@pytest.fixture
def studio(engine: TorchEngine, open_studio: Callable[..., Studio], monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr(engine, "load", lambda: iter((1.0,)))
    return open_studio(lambda: engine)


@pytest.fixture
def fail(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fail]:
    """Makes a stage run out of memory so many times."""
    handles = []

    def fail(stage: str, times: int) -> None:
        left = [times]

        def run_out(*_: object) -> None:
            if left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

        model = engine.model
        modules = {
            "text": model.text_encoder, "encode": model.vae.encoder, "denoise": model.transformer.layers[3],
            "decode": model.vae.decoder,
        }  # fmt: skip
        if stage in modules:
            handles.append(modules[stage].register_forward_pre_hook(run_out))
        else:
            owner, name = (engine, "preview") if stage == "preview" else (engine.styles, "bring")
            real = getattr(owner, name)
            monkeypatch.setattr(owner, name, lambda *given: (run_out(), real(*given))[1])

    yield fail
    for handle in handles:
        handle.remove()


def ask(prompt: str = "a red house", **more: object) -> GenerationRequest:
    use = (StyleUse("sketch", 0.7),)
    return GenerationRequest(prompt, 64, 64, 7, 2, styles=use, source=source(photo(64, 64), 0.5), **more)  # type: ignore[arg-type]


def drawn(studio: Studio, request: GenerationRequest) -> Snapshot:
    job_id = studio.jobs.submit("ann", request)
    studio.worker.draw_waiting()
    snapshot = studio.jobs.snapshot("ann", job_id)
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_out_of_memory_once_is_drawn_with_less(studio: Studio, fail: Fail, stage: str) -> None:
    fail(stage, 1)
    snapshot = drawn(studio, ask())
    assert (snapshot.state, snapshot.frugal) == ("done", True)
    assert studio.worker.facts is not None
    assert studio.worker.facts.tier == "resident"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_runs_out_again_is_drawn_in_the_next_tier(
    studio: Studio, fail: Fail, stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    fail(stage, 2)
    assert drawn(studio, ask()).state == "done"
    assert studio.worker.facts is not None
    assert (studio.worker.facts.tier, studio.worker.facts.lowered) == ("staged", True)
    assert "from the memory tier resident to staged" in caplog.text


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_always_runs_out_fails_with_advice_and_the_next_job_runs(
    studio: Studio, fail: Fail, stage: str
) -> None:
    fail(stage, 3)
    snapshot = drawn(studio, ask())
    assert snapshot.state == "failed"
    assert "Try a smaller picture" in str(snapshot.error)
    assert drawn(studio, ask("a boat")).state == "done"


def test_memory_that_another_takes_while_two_draw_fails_neither(studio: Studio, engine: TorchEngine) -> None:
    others = [studio.jobs.submit(owner, ask(f"a star for {owner}")) for owner in ("ann", "bob")]
    for _ in range(4):  # both are at their steps now
        assert studio.worker.draw_quantum() is not None
    assert engine.lower()  # what the worker does when it is taken
    studio.worker.draw_waiting()
    for owner, job_id in zip(("ann", "bob"), others, strict=True):
        snapshot = studio.jobs.snapshot(owner, job_id)
        assert snapshot is not None
        assert snapshot.state == "done"


def test_a_device_that_is_lost_at_a_step_is_told_from_memory_and_from_a_bug() -> None:
    assert memory.is_lost(torch.AcceleratorError("CUDA error: unspecified launch failure"))
    assert memory.is_lost(RuntimeError("CUDA error: device-side assert triggered"))
    assert not memory.is_lost(RuntimeError("CUDA error: out of memory"))
    assert memory.ran_out(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not memory.is_lost(RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"))
    assert not memory.is_lost(torch.OutOfMemoryError("CUDA out of memory"))


def test_after_a_lost_device_another_engine_draws_the_job(
    open_studio: Callable[..., Studio], info: ModelInfo, demo_styles: Path
) -> None:
    made: list[TorchEngine] = []

    def make() -> Engine:
        made.append(TorchEngine(info, demo_styles, "cpu", sources=find_photo))
        if len(made) == 1:
            whole = made[0].use

            def use(*given: object) -> None:
                whole(*given)  # type: ignore[arg-type]
                made[0].model.transformer.register_forward_pre_hook(lost)

            made[0].use = use  # type: ignore[method-assign]
        return made[-1]

    def lost(*_: object) -> None:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    snapshot = drawn(open_studio(make), ask())
    assert (snapshot.state, len(made)) == ("done", 2)


def test_a_budget_too_small_for_any_tier_is_told_when_the_studio_starts(
    open_studio: Callable[..., Studio], info: ModelInfo, demo_styles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "budget_of", lambda *_: 1_000_000)
    studio = open_studio(lambda: TorchEngine(info, demo_styles, "cpu", memory_config=MemoryConfig(budget_gb=1)))
    assert not studio.worker._is_ready()
    assert "needs 0.0" in str(studio.worker.status.error) and "GB at the very least" in str(studio.worker.status.error)
    with pytest.raises(UserError, match="at the very least"):
        studio.jobs.submit("ann", ask())


def checks(demo_model: Path, data: Path, info: ModelInfo | None, **model: str) -> dict[str, tuple[bool, str]]:
    config = Config(model=ModelConfig(str(demo_model), **model), paths=PathsConfig(lora=data, data=data))
    return {check.name: (check.ok, check.says) for check in doctor.examine(config, info, ())}


def test_the_doctor_names_the_tier_and_what_each_part_takes(
    demo_model: Path, tmp_path: Path, info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checks(demo_model, tmp_path, info, device="cpu")
    ok, says = found["tier"]
    assert ok and says.startswith("resident · needs 0.0") and "transformer 0.035" in says
    assert "MB on the device at the most" in found["weights"][1]
    monkeypatch.setattr(memory, "budget_of", lambda *_: 1_000_000)
    ok, says = checks(demo_model, tmp_path, info, device="cpu")["tier"]
    assert not ok and "at the very least" in says


def test_the_doctor_names_a_card_without_bf16_and_the_model_runs_in_fp32_there(
    demo_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {
        "is_available": lambda: True, "is_bf16_supported": lambda **_: False, "mem_get_info": lambda _: (4e9, 8e9),
        "get_device_name": lambda _: "NVIDIA GeForce GTX 1080", "get_device_capability": lambda _: (6, 1),
    }  # fmt: skip
    for name, answer in old.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    assert pick_dtype(CUDA) == torch.float32
    ok, says = checks(demo_model, tmp_path, None, device="cuda")["bf16"]
    assert ok and "NVIDIA GeForce GTX 1080 has none (compute capability 6.1" in says and "float32" in says


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_configured_and_absent_is_told_by_doctor_and_studio(
    demo_model: Path, tmp_path: Path, info: ModelInfo, open_studio: Callable[..., Studio]
) -> None:
    ok, says = checks(demo_model, tmp_path, info, device="cuda")["device"]
    assert not ok and 'no device "cuda"' in says
    studio = open_studio(lambda: TorchEngine(info, tmp_path, "cuda"))
    assert not studio.worker._is_ready()
    assert 'no device "cuda"' in str(studio.worker.status.error)


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
def test_no_device_ever_draws_in_fp16(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for supported in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda supported=supported, **_: supported)
        assert pick_dtype(torch.device(device)) in (torch.bfloat16, torch.float32)
