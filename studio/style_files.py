"""`python -m studio inspect` and `compile`: what style files are, and making them ready, told on a terminal."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from core.config import Config
from core.errors import UserError
from core.style import StyleReport, StyleTools
from studio import build

MEGABYTE = 1e6


def inspect_files(config: Config, files: list[Path], as_json: bool, tell: Callable[[str], None]) -> bool:
    """Tell what each file is. Returns whether all of them can be used."""
    tools = build.style_tools(config, build.describe(config.model.path))
    found = [(file, *_inspect(tools, file)) for file in files]
    if as_json:
        tell(json.dumps([_plain(*one) for one in found], ensure_ascii=False, indent=2))
    else:
        for one in found:
            for line in _lines(*one):
                tell(line)
    return all(not problem for _, _, problem in found)


def compile_files(config: Config, names: list[str], tell: Callable[[str], None]) -> bool:
    """Make these styles ready, or all in the folder. Returns whether all of them can be used.

    `./start.sh` does not wait for this: the running studio makes ready what is new, behind the page.
    """
    tools = build.style_tools(config, build.describe(config.model.path))
    folder = config.paths.lora
    files = [folder / f"{name}.safetensors" for name in names] or sorted(folder.rglob("*.safetensors"))
    well = True
    for file in files:
        report, problem = _inspect(tools, file)
        if report is not None and not problem:
            try:
                tools.compile(file, report.sha256)
            except (UserError, OSError) as error:
                problem = str(error)
        well = well and not problem
        tell(f"{'FAIL' if problem else 'ok':<5}{file.relative_to(folder).with_suffix('')}  {problem}".rstrip())
    return well


def _inspect(tools: StyleTools, file: Path) -> tuple[StyleReport | None, str]:
    try:
        report = tools.inspect(file)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return None, f"{file.name} cannot be read: {getattr(error, 'strerror', None) or error}"
    return report, str(report.problem or "")


def _lines(file: Path, report: StyleReport | None, problem: str) -> Iterator[str]:
    yield "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(file))
    if report is not None and report.modules:
        least, most = report.rank
        facts = [report.layout, report.kind, f"{report.applied} of {report.modules} modules"]
        facts += [f"rank {least}" if least == most else f"rank {least} to {most}", report.dtype]
        facts += [f"for {report.made_for}" if report.made_for else "", f"{report.size_bytes / MEGABYTE:,.1f} MB"]
        yield "  " + " · ".join(fact for fact in facts if fact)
        yield f"  sha256 {report.sha256}"
    if report is not None:
        for key, value in report.metadata.items():
            yield f"  {key}: {' '.join(value.split())[:100]}"
    yield f"  FAIL {problem}" if problem else "  ok"


def _plain(file: Path, report: StyleReport | None, problem: str) -> dict[str, object]:
    facts = asdict(report) if report is not None else {}
    return {"file": str(file)} | facts | {"problem": problem or None}
