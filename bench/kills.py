"""A studio on the demo model, killed again and again at one quantum after the other: nothing lost, nothing doubled.

Run by `python -m bench.jobs --kills N`; `python -m bench.kills FOLDER` is the studio that gets killed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from core.config import Config, PathsConfig
from core.config import load as load_config
from core.request import GenerationRequest
from studio.build import assemble, describe, make_engine
from studio.store.database import open_database
from studio.store.store import Store

QUANTA = 10  # text, eight steps, decode


def kill_again_and_again(times: int) -> None:
    """Each studio finishes what the one before has left, accepts a job, and is killed at one of its quanta."""
    accepted: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(times + 1):
            quantum = n % (QUANTA + 1) if n < times else None
            command = [sys.executable, "-m", "bench.kills", folder, json.dumps(quantum)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
                assert victim.stdout is not None
                for line in victim.stdout:
                    if line.startswith("accepted "):
                        accepted.append(line.split()[1])
                    if line.startswith("now"):
                        victim.kill()
        store = Store(open_database("sqlite", Path(folder)), "bench")
        records = [(record.job_id, record.status) for record in store.records("ann", 10 * times + 10)]
        store.close()
        whole = half = 0
        for file in (Path(folder) / "pictures").iterdir():
            try:
                with Image.open(file) as image:
                    image.load()
                whole += 1
            except OSError:
                half += 1
    done = [job_id for job_id, status in records if status == "done"]
    print(f"killed {times} times at every quantum in turn: {len(accepted)} jobs accepted,"
          f" {len(set(accepted) - set(done))} lost, {len(records) - len(set(done))} doubled, {half} half files"
          f" ({whole} whole)")  # fmt: skip


def main() -> None:
    folder, quantum = Path(sys.argv[1]), json.loads(sys.argv[2])
    config = load_config()
    info = describe(config.model.path)
    paths = PathsConfig(config.paths.lora, config.paths.lora_cache, folder)
    studio = assemble(
        Config(model=config.model, paths=paths), info, lambda: make_engine(config, info), do=lambda task: task()
    )
    studio.jobs.adopt_orphans()
    studio.worker.draw_waiting()
    if quantum is None:
        return
    width, height = info.sizes[0]
    print("accepted", studio.jobs.submit("ann", GenerationRequest("a red house", width, height, 7)), flush=True)
    for _ in range(quantum):
        studio.worker.draw_quantum()
    print("now", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
