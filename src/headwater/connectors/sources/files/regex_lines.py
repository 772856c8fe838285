"""Lines by a pattern with named groups: each group is a column, a line that the pattern does not match is set aside."""

from collections.abc import Sequence

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.named_groups import groups_of
from headwater.connectors.sources.files.reading import FILE, LINE, Flaw, Reading
from headwater.connectors.sources.files.settings import Settings
from headwater.connectors.sources.files.text_lines import line_reading
from headwater.connectors.sources.files.text_values import typed_texts, without
from headwater.sql.text import quote_literal


def regex_reading(settings: Settings, items: Sequence[ScanItem]) -> Reading:
    """Give the reading by a pattern; the engine matches in time linear in the line (RE2: nothing is tried again)."""
    groups = groups_of(settings.lines.pattern)
    numbers = {column.name: groups.index(column.name) + 2 for column in settings.contract.columns}
    last = max(numbers.values())
    # Group 1 is the whole line: a line is never empty, so it tells whether there is a match.
    names = ", ".join(f"'g{number}'" for number in range(1, last + 1))
    whole = rf"\A((?:{settings.lines.pattern}))\z"

    def cut(lines: str) -> str:
        found = f"regexp_extract({LINE}, {quote_literal(whole)}, [{names}])"
        return f"SELECT {LINE}, {FILE}, {found} AS __hw_found FROM ({lines}) AS l"

    absent = tuple(text for text in settings.dialect.null if text)
    texts = {name: without(f"nullif(__hw_found.g{number}, '')", absent) for name, number in numbers.items()}
    typed = typed_texts(settings, "{cut}", texts, {})
    return line_reading(
        settings,
        items,
        lambda lines: typed.relation.replace("{cut}", cut(lines), 1),
        columns=typed.columns,
        carried={"__hw_whole": "raw.__hw_found.g1 <> ''", **typed.carried},
        flaws=(Flaw("format", "", "NOT __hw_whole", "the pattern does not match the line"), *typed.flaws),
    )
