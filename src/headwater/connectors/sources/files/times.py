"""Times written as text become moments in the same way whatever the session's time zone is: see ``sql.moments``."""

from headwater.sql.moments import time_from_text

__all__ = ["time_from_text"]
