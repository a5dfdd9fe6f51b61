"""All routes and middleware that stand beside the pages, for app.py to mount."""

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from core.config import STREAMLIT_DEFAULTS
from studio.build import Studio
from web.drop_in import drop_in_route
from web.guard import Say
from web.health import health_route
from web.history import history_routes
from web.hosts import answered_hosts
from web.owners import OwnerCookie, Owners
from web.photos import photo_routes
from web.pictures import picture_routes
from web.styles import style_routes


def routes(studio: Studio, owners: Owners, say: Say) -> list[Route]:
    """`say` puts an error into the words of a language."""
    most_mb = int(
        studio.config.streamlit.get("server", {}).get("maxUploadSize", STREAMLIT_DEFAULTS["server"]["maxUploadSize"])
    )
    return [
        health_route(studio),
        *picture_routes(studio.jobs, owners),
        drop_in_route(owners, say),
        *history_routes(studio.history, studio.jobs, owners, most_mb, say),
        *photo_routes(studio.photos, studio.jobs, owners, most_mb, say),
        *style_routes(studio.styles, owners, most_mb, say, lambda: _resident(studio)),
    ]


def _resident(studio: Studio) -> frozenset[str]:
    facts = studio.worker.facts
    return facts.styles if facts else frozenset()


def middleware(studio: Studio, owners: Owners, address: str) -> list[Middleware]:
    """Outermost first. `address` is where the server listens."""
    hosts = answered_hosts(studio.config.web.allowed_hosts, address)
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(OwnerCookie, owners=owners),
    ]
