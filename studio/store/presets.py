"""Settings that an owner keeps under a name of their own."""

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from studio.store.database import refusals_told, writing
from studio.store.schema import presets


class PresetStore:
    """Every method is one transaction, and raises StoreError when the database refuses. `request` is JSON."""

    def __init__(self, database: Engine) -> None:
        self._database, self._writing = database, writing(database)

    def list(self, owner: str) -> list[tuple[str, str]]:
        """(name, request), in the order in which they were first kept."""
        mine = select(presets.c.name, presets.c.request).where(presets.c.owner == owner).order_by(presets.c.number)
        with refusals_told(), self._database.connect() as connection:
            return [(row.name, row.request) for row in connection.execute(mine)]

    def save(self, owner: str, name: str, request: str) -> None:
        """Under this name from now on, whatever it named before."""
        kind = sqlite if self._writing.dialect.name == "sqlite" else postgresql
        add = kind.insert(presets).values(owner=owner, name=name, request=request)
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(add.on_conflict_do_update(index_elements=["owner", "name"], set_={"request": request}))

    def drop(self, owner: str, name: str) -> None:
        with refusals_told(), self._writing.begin() as connection:
            connection.execute(delete(presets).where(presets.c.owner == owner, presets.c.name == name))
