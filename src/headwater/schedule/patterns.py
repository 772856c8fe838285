"""Local times at which something is to happen, as a clock on the wall would show them: cron lines, days, months."""

from calendar import monthrange
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from cronsim import CronSim, CronSimError

_NAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = ("minute", "hour", "day of the month", "month", "weekday")
_RANGES: Final = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31, `L` for the last, `LW` for the last weekday",
    "month": "1 to 12, or JAN to DEC",
    "weekday": "0 to 7 (0 and 7 are Sunday), or SUN to SAT, `5L` for the last Friday, `MON#2` for the second Monday",
}
_LONGEST: Final = 200
_ANY_TIME: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - local times have no zone here
_NEVER: Final = datetime(9999, 12, 31)  # noqa: DTZ001 - as above
_SECOND: Final = timedelta(seconds=1)


class Pattern(Protocol):
    """An endless row of local times; ``is_fixed``: they are times of the day, not of every hour or minute."""

    is_fixed: bool

    def at_or_after(self, local: datetime) -> datetime | None:
        """Give the first of its times from a local time on; None: there is none in the next 50 years."""
        ...


class CronPattern:
    """The local times of a cron line."""

    def __init__(self, cron: str) -> None:
        """Raise ``CronSimError`` if this is no cron line, or one that no day fits."""
        line = expanded(cron)
        fields = line.split()[-len(_FIELDS) :]
        self.is_fixed = not any(field.startswith("*") for field in fields[:2])
        self._times = copy(_parsed(line))
        self._asked = self._found = _NEVER

    def at_or_after(self, local: datetime) -> datetime | None:
        """Give the first of its times from a local time on; what was found last is not searched again."""
        if not (self._asked <= local <= self._found):
            whole = local.replace(microsecond=0)
            self._times.dt = whole if local.microsecond else whole - _SECOND
            self._asked, self._found = local, next(self._times, _NEVER)
        return self._found if self._found != _NEVER else None


@dataclass(slots=True)
class DayPattern:
    """Every so many days or months, at the time of day of ``first``."""

    first: datetime
    days: int = 0
    months: int = 0
    is_fixed: bool = True

    def at_or_after(self, local: datetime) -> datetime | None:
        """Give the first of its times from a local time on; what a month lacks of days, its last one stands for."""
        try:
            return self._by_day(local) if self.days else self._by_month(local)
        except (ValueError, OverflowError):
            return None  # after the year 9999

    def _by_day(self, local: datetime) -> datetime:
        step = timedelta(days=self.days)
        return self.first - (self.first - local) // step * step

    def _by_month(self, local: datetime) -> datetime:
        turn = ((local.year - self.first.year) * 12 + local.month - self.first.month) // self.months
        found = self._in_month(turn)
        return found if found >= local else self._in_month(turn + 1)

    def _in_month(self, turn: int) -> datetime:
        month = self.first.year * 12 + self.first.month - 1 + turn * self.months
        year, month = month // 12, month % 12 + 1
        return self.first.replace(year=year, month=month, day=min(self.first.day, monthrange(year, month)[1]))


def expanded(cron: str) -> str:
    """Give a cron line for its name, such as ``@daily``; others as they are.

    >>> expanded("@daily")
    '0 0 * * *'
    """
    return _NAMES.get(cron.strip().casefold(), cron)


def cron_problem(cron: str) -> tuple[str, str]:
    """Say what is wrong with a cron line, and what it should be: ("", "") if nothing is.

    >>> cron_problem("0 25 * * *")
    ('`25` is no hour', 'an hour is 0 to 23')
    """
    if cron.strip().startswith("@") and expanded(cron) == cron:
        return f"`{cron[:40]}` is no name of a cron line", f"names are {', '.join(_NAMES)}"
    parts = expanded(cron).split()
    if len(parts) not in (len(_FIELDS), len(_FIELDS) + 1):
        fields = "a cron line has five fields: minute, hour, day of the month, month, weekday"
        return f"it has {len(parts)} field{'s' * (len(parts) != 1)}", f"{fields}, such as `15 6 * * *`"
    if len(cron) > _LONGEST:
        return f"it is longer than {_LONGEST} characters", "write several schedules"
    names = _FIELDS if len(parts) == len(_FIELDS) else ("second", *_FIELDS)
    for at, (name, part) in enumerate(zip(names, parts, strict=True)):
        if not _is_readable(" ".join([*["*"] * at, part, *["*"] * (len(parts) - at - 1)])):
            article = "an" if name == "hour" else "a"
            return f"`{part[:40]}` is no {name}", f"{article} {name} is {_RANGES[name]}"
    return "", ""


def is_possible(cron: str) -> bool:
    """Whether some day fits a cron line that is well-formed: none fits the 30th of February."""
    try:
        return CronPattern(cron).at_or_after(_ANY_TIME) is not None
    except CronSimError:
        return False


def _is_readable(line: str) -> bool:
    try:
        _parsed(line)
    except (CronSimError, ValueError, AssertionError):
        return False
    return True


@lru_cache(maxsize=1024)
def _parsed(line: str) -> CronSim:
    return CronSim(line, _ANY_TIME)
