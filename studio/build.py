"""From a configuration to a studio: the one module here that knows the real engine."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

from core import __version__
from core.check import Check
from core.config import Config
from core.engine import Engine, EngineFacts, Frame, ModelInfo
from core.errors import N_, UserError
from core.style import StyleTools
from pipeline.describe import describe as describe
from studio.costs import Costs
from studio.endings import Surroundings
from studio.file_names import FileNames
from studio.files import PictureFiles
from studio.history import History
from studio.history.retention import Retention
from studio.holder import Holder
from studio.hooks import Hooks, place
from studio.jobs import Do, Jobs
from studio.keeper import Keeper
from studio.photos.batch_files import BatchFiles
from studio.photos.batches import Batches
from studio.roster import Roster
from studio.scheduler import Scheduler
from studio.sources import Sources
from studio.store.batches import BatchStore
from studio.store.database import StoreError, open_database
from studio.store.outbox import Outbox
from studio.store.records import Records
from studio.store.store import Store
from studio.store.used import used_sources
from studio.styles import StyleLibrary
from studio.styles.thumbnails import Thumbnails
from studio.styles.watcher import StyleWatcher
from studio.worker import Worker


@dataclass(frozen=True, slots=True)
class Studio:
    """What all sessions share. `info` is None when the model's folder cannot be read; `worker.status` then says why."""

    config: Config
    info: ModelInfo | None
    styles: StyleLibrary
    jobs: Jobs
    worker: Worker
    keeper: Keeper
    store: Store
    holder: Holder
    roster: Roster
    watcher: StyleWatcher
    history: History
    hooks: Hooks
    sources: Sources
    photos: Batches

    def start(self) -> None:
        """From now on jobs are drawn, pictures kept, and changes in the styles folder noticed."""
        self.watcher.start()
        self.keeper.start()
        self.hooks.start()
        self.worker.start()
        self.photos.start()

    def stop(self) -> None:
        """End in good order; what was not finished goes on after the next start."""
        self.watcher.stop()
        self.photos.stop()
        self.worker.stop()
        self.keeper.stop()
        self.hooks.stop()
        with suppress(StoreError):  # then the next start finds out by itself
            self.jobs.release()
        self.close()

    def close(self) -> None:
        """Let go of the store and of the place in it: all that there is to do where nothing was started."""
        self.store.close()
        self.holder.close()


def build(config: Config, do: Do | None = None) -> Studio:
    """Put the parts together; starts nothing. Raises UserError when the data folder cannot be written to.

    `do` stands in for the keeper's thread where nothing is started; see `Jobs`.
    """
    info: ModelInfo | None = None
    broken: UserError | None = None
    tools: StyleTools | None = None
    try:
        info = describe(config.model.path)
        tools = style_tools(config, info)
    except UserError as error:
        broken = error

    def engine() -> Engine:
        if broken is not None or info is None:
            raise broken or RuntimeError("no model")
        return make_engine(config, info)

    def surroundings(facts: EngineFacts) -> Surroundings:
        return surroundings_of(config, info, facts) if info is not None else Surroundings()

    return assemble(config, info, engine, tools, surroundings=surroundings, do=do)


def assemble(
    config: Config,
    info: ModelInfo | None,
    engine: Callable[[], Engine],
    tools: StyleTools | None = None,
    *,
    surroundings: Callable[[EngineFacts], Surroundings] | None = None,
    do: Do | None = None,
    clock: Callable[[], float] = monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    new_id: Callable[[], str] = lambda: uuid4().hex,
) -> Studio:
    """The studio around any engine. `do` stands in for the keeper's thread; see `Jobs`."""
    styles = StyleLibrary(config.paths.lora, tools, Thumbnails(config.paths.data / "styles"))
    files = PictureFiles(config.paths.data / "pictures")
    holder = _holder(config)
    names = FileNames(config.files.name)
    database = open_database(config.store.url, config.paths.data)
    outbox = Outbox(database, _place(config))
    hooks = Hooks(config, outbox, now)
    store = Store(database, holder.name, outbox.teller(hooks.letters))
    queue, keeper = config.queue, Keeper()
    sources, costs = Sources(config.paths.data / "sources"), Costs(info.work) if info else Costs()
    roster = Roster(
        Scheduler(clock, costs), clock, max_jobs=queue.max_jobs, max_jobs_per_owner=queue.max_jobs_per_owner
    )
    jobs = Jobs(
        info, styles, files, names, store, holder, roster, do or keeper.do,
        sources=sources, clock=clock, now=now, new_id=new_id,
    )  # fmt: skip
    photos = Batches(
        BatchStore(database), BatchFiles(config.paths.data / "photos"), jobs, sources, styles, info,
        now=now, new_id=new_id,
    )  # fmt: skip
    history = History(database, jobs, files, now=now, also_forget=photos.forget, untell=hooks.forget)
    retention = Retention(Records(database), files, config.history, now, lambda: sources.sweep(used_sources(database)))
    keeper.rounds += [jobs.adopt_orphans, jobs.keep_house, retention.round]
    name = info.name if info else ""
    worker = Worker(
        engine, jobs, holder, queue.in_flight, surroundings or (lambda facts: _little_of(name, facts)),
        rest_after_s=config.memory.idle_release_s, clock=clock,
    )  # fmt: skip
    watcher = StyleWatcher(styles)
    return Studio(
        config, info, styles, jobs, worker, keeper, store, holder, roster, watcher, history, hooks, sources, photos
    )  # fmt: skip


def _little_of(model: str, facts: EngineFacts) -> Surroundings:
    """What any engine says of itself."""
    return Surroundings(model, facts={"device": facts.device, "dtype": facts.dtype})


def _holder(config: Config) -> Holder:
    folder = config.paths.data / "holders"
    try:
        return Holder(folder, uuid4().hex)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _place(config: Config) -> str:
    try:
        return place(config)
    except OSError as error:
        raise _unwritable(config.paths.data, error) from error


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(
        N_("The folder {folder} cannot be written to: {why}. Free some space, or set another one as [paths] data."),
        folder=str(folder), why=error.strerror or type(error).__name__,
    )  # fmt: skip


def examine_engine(config: Config, info: ModelInfo | None, styles: tuple[str, ...]) -> Iterator[Check]:
    """What the engine stands on, looked at for `python -m studio doctor`."""
    _share_processors()
    from pipeline.doctor import examine

    return examine(config, info, styles)


def make_engine(
    config: Config, info: ModelInfo, previews: bool = True, sources: Callable[[str], Frame] | None = None
) -> Engine:
    """The engine of this process. Imports torch, which takes seconds: call it where nobody waits.

    `sources` gives the picture to start from by its sha256; by default it is found among those of the data folder.
    """
    _share_processors()
    paths = config.paths
    read = sources or Sources(paths.data / "sources").read
    return _engine_type()(
        info, paths.lora, config.model.device, previews, paths.lora_cache, config.styles, read, config.memory,
        config.speed.compile,
    )  # fmt: skip


def _engine_type() -> Callable[..., Engine]:
    """Imported without looking for garbage meanwhile, nor ever after among what has come with it.

    There is next to none, and the search takes a sixth of the time that the imports take (0.6 of 3.6 s, measured).
    """
    known, enabled = "pipeline.engine" in sys.modules, gc.isenabled()
    gc.disable()
    try:
        from pipeline.engine import TorchEngine

        if not known:  # the engines of a process that has lost its device are garbage, and have to be found
            gc.freeze()
    finally:
        if enabled:
            gc.enable()
    return TorchEngine


def surroundings_of(config: Config, info: ModelInfo, facts: EngineFacts) -> Surroundings:
    """What draws, once it is loaded: kept with every record. Takes a second for a large model."""
    from pipeline.surroundings import environment, fingerprint

    known = {"studio": __version__, **environment(facts)}
    return Surroundings(info.name, fingerprint(config.model.path), known)


def style_tools(config: Config, info: ModelInfo) -> StyleTools:
    """What looks at style files and makes them ready. Torch is imported by its first `compile`, not before."""
    _share_processors()
    from pipeline.lora.tools import Tools, inspector

    return Tools(inspector(info), config.paths.lora_cache, config.styles.cache_mb, config.model.device)


def _share_processors() -> None:
    """Let torch's threads sleep while they wait for each other; it is read once, when torch is imported.

    By default they spin. With one of two cores busy (a browser is enough), 30 steps of the demo took 6 to 24 s that way
    and 0.7 to 1.9 s this way (measured).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
