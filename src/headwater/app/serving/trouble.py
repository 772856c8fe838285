"""Says in the log that the state cannot be used: once, however often it is tried, and when that is over."""

import logging
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import HeadwaterError

_log: Final = logging.getLogger("headwater")


@dataclass(slots=True)
class Trouble:
    """What one process has said of the state."""

    _said: str = ""

    def met(self, problem: HeadwaterError) -> None:
        """Say what the state answers, unless that is known."""
        if str(problem) != self._said:
            self._said = str(problem)
            _log.warning("%s", problem)

    def over(self) -> None:
        """Say that the state answers again, if it did not."""
        if self._said:
            self._said = ""
            _log.info("the state can be used again")
