"""What the operator of a site says of vanished files: they are not coming back, so what is there now stands."""

from datetime import datetime
from pathlib import Path

from headwater.app.site import auditing
from headwater.app.site.holdings import ENVIRONMENT
from headwater.app.site.homes import open_home
from headwater.diagnostics import Invalid
from headwater.state.database import open_database
from headwater.state.observations import forget_observations


def forget(home: Path, source: str, by: str, at: datetime) -> None:
    """Have a site forget how it saw a source last; Invalid (HW1293) if it has seen it never, or nothing of it."""
    opened = open_home(home)
    with open_database(opened.state) as db:
        if not forget_observations(db, ENVIRONMENT, source):
            hint = "`headwater sites` shows what it holds"
            raise Invalid.of("HW1293", f"this site has nothing of `{source}` to forget", hint=hint)
    auditing.append(opened, "forgot", {"source": source, "by": by}, at)
