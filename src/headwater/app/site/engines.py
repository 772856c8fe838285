"""DuckDB at a site: it opens files of the site's sources and of one question, no others, for good."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from headwater.run.engine import Engine, EngineLimits, Session
from headwater.sql.text import quote_literal

if TYPE_CHECKING:
    import duckdb

_SEAL: Final = (
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class SiteEngine(Engine):
    """An engine of one time zone, sealed as soon as it is there."""

    def __init__(self, limits: EngineLimits, directories: Iterable[str], timezone: str) -> None:
        super().__init__(limits)
        self._directories = tuple(directories)
        self._timezone = timezone

    def set_zone(self, session: Session, timezone: str) -> None:
        """Set nothing: the zone is a part of the seal."""

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        connection = super()._connect()
        listed = ", ".join(quote_literal(each) for each in self._directories)
        connection.execute(f"SET allowed_directories = [{listed}]")
        # for all sessions: what one connection sets, those made of it do not have
        connection.execute(f"SET GLOBAL TimeZone = {quote_literal(self._timezone)}")
        for statement in _SEAL:
            connection.execute(statement)
        return connection
