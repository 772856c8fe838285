"""The order in which rows leave, and which of equals is first, is their own: how they lie in files would tell more.

A file sorted by a column that stays would show its order, through rows that may go, to whoever receives them.
"""

from typing import Final

from headwater.sql.functions import AGGREGATES, words
from headwater.sql.text import visible_tokens

_WHATEVER_THE_ORDER: Final = words(
    """
    approx_count_distinct avg bit_and bit_or bit_xor bool_and bool_or count count_if count_star countif max mean
    median min quantile_cont quantile_disc stddev stddev_pop stddev_samp sum sum_no_overflow var_pop var_samp variance
    """
)
_BY_ORDER: Final = (AGGREGATES - _WHATEVER_THE_ORDER) | words("limit offset over on asof positional")
"""``on`` stands for DISTINCT ON, too: sorting once too often costs time and tells nothing."""


def sorted_rows(select: str) -> str:
    """Give a SELECT of the same rows, sorted by all that is in them."""
    return f"SELECT * FROM (\n{select}\n) AS _hw_sorted ORDER BY ALL"


def is_decided_by_order(text: str) -> bool:
    """Whether what a query gives may depend on the order of what it reads: rather too often than too seldom."""
    seen = [token.text.strip('"').casefold() for token in visible_tokens(text) if token.kind in ("word", "quoted")]
    return not _BY_ORDER.isdisjoint(seen)
