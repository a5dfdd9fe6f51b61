"""Telling others of pictures: the day log, webhooks, the archive folder.

What is to be told stands in the outbox since the very transaction that changed a job, so nothing is forgotten; each
target has a thread of its own that takes it there, so nothing is slowed. What is told twice after a crash says so by
its id.
"""

from studio.hooks.hooks import Hooks, place
from studio.hooks.status import HookStatus

__all__ = ["HookStatus", "Hooks", "place"]
