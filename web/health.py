"""/health: whether the studio can draw yet. Answers at once, also while the model loads."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from core import __version__
from studio.build import Studio


def health_route(studio: Studio) -> Route:
    """`{"status": "loading" | "ready" | "failed", "at_rest": bool, "model": name, "version": ours}`, never cached.

    At rest, the device's memory is given back; the studio is as ready as ever, and takes it again for the next picture.
    """
    model = studio.info.name if studio.info else studio.config.model.path

    async def health(_: Request) -> JSONResponse:
        status, facts = studio.worker.status.state, studio.worker.facts
        told = {"status": status, "at_rest": facts is not None and facts.at_rest, "model": model}
        return JSONResponse({**told, "version": __version__}, headers={"Cache-Control": "no-store"})

    return Route("/health", health)
