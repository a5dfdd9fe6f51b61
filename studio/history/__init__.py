"""History: every record of an owner, found, marked, reused, reproduced. `History` is what pages, HTTP and CLI call.

No torch, no page, no SQL: the queries are in studio/store, the drawing again is a job like any other.
"""

from studio.history.entries import Card, Entry, Facets, Lineage, Page, Preset
from studio.history.history import History
from studio.history.lines import Imported
from studio.store.search import Order, Query
from studio.verification import Change, Verification

__all__ = [
    "Card",
    "Change",
    "Entry",
    "Facets",
    "History",
    "Imported",
    "Lineage",
    "Order",
    "Page",
    "Preset",
    "Query",
    "Verification",
]
