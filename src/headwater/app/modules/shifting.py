"""Moves a process's clock, so that nodes made of the present differ from one load to the next and are found."""

import datetime as dt
import time
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

_BY: Final = timedelta(days=400, hours=7, minutes=13)


def shift_clock() -> None:
    """Let everything that asks for the time from now on get one that is more than a year away."""
    seconds, now, today = _BY.total_seconds(), time.time, date.today
    time.time = lambda: now() + seconds
    time.time_ns = lambda: int((now() + seconds) * 1_000_000_000)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _of_now(getattr(time, name)))
    written = time.strftime
    time.strftime = lambda form, when=None: written(form, when or time.localtime())

    class Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            kind = cls.__mro__[1] if cls in {Later, LaterDate} else None
            return isinstance(value, kind) if kind else type.__instancecheck__(cls, value)

    class Later(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return super().now(tz) + _BY

        @classmethod
        def utcnow(cls) -> Any:
            return super().now(dt.UTC).replace(tzinfo=None) + _BY

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    class LaterDate(date, metaclass=Kind):
        @classmethod
        def today(cls) -> Any:
            return today() + _BY

    dt.datetime, dt.date = Later, LaterDate  # type: ignore[misc]  # for this process only


def _of_now(function: Any) -> Any:
    return lambda seconds=None: function(time.time() if seconds is None else seconds)
