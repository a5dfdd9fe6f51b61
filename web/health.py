"""/health: whether the studio can draw yet. Answers at once, also while the model loads."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from core import __version__
from studio.build import Studio


def health_route(studio: Studio) -> Route:
    """`{"status": "loading" | "ready" | "failed", "model": name, "version": ours}`, never cached."""
    model = studio.info.name if studio.info else studio.config.model.path

    async def health(_: Request) -> JSONResponse:
        status = studio.worker.status.state
        return JSONResponse(
            {"status": status, "model": model, "version": __version__}, headers={"Cache-Control": "no-store"}
        )

    return Route("/health", health)
