"""Values that a line gives as text become those of the declared types; what does not cast is a flaw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headwater.connect.sources import ContractColumn
from headwater.connectors.sources.files.reading import Flaw
from headwater.connectors.sources.files.settings import TIME_TYPES, Settings
from headwater.connectors.sources.files.times import time_from_text
from headwater.sql.text import quote_identifier, quote_literal
from headwater.sql.type_names import parse_type

_ZONES: Final = ("%z", "%Z")


@dataclass(frozen=True, slots=True)
class Typed:
    """A relation with the texts of declared columns, the columns over it, and what a reading carries and judges."""

    relation: str
    columns: Mapping[str, str]
    carried: Mapping[str, str]
    flaws: tuple[Flaw, ...]


def typed_texts(settings: Settings, relation: str, texts: Mapping[str, str], made: Mapping[str, str]) -> Typed:
    """Cast texts to the contract's types.

    ``texts`` gives each declared column as text (NULL: no value) over the relation; ``made`` gives the expressions of
    columns that are not a plain cast of it, with ``{text}`` in its place.
    """
    declared = settings.contract.columns
    raw = {c.name: f"__hw_raw_{number}" for number, c in enumerate(declared)}
    selected = ", ".join(f"{texts[name]} AS {place}" for name, place in raw.items())
    columns = {
        c.name: made[c.name].replace("{text}", f"raw.{raw[c.name]}")
        if c.name in made
        else _cast(settings, c, f"raw.{raw[c.name]}")
        for c in declared
    }
    flaws = () if settings.contract.lazy else tuple(_flaw(c, raw[c.name]) for c in declared if c.type != "VARCHAR")
    return Typed(
        relation=f"SELECT *, {selected} FROM ({relation}) AS cut",
        columns=columns,
        carried={place: f"raw.{place}" for place in raw.values()},
        flaws=flaws,
    )


def _flaw(column: ContractColumn, raw: str) -> Flaw:
    name = quote_identifier(column.name)
    return Flaw("cast", column.name, f"{raw} IS NOT NULL AND {name} IS NULL", f"`{column.name}` is no {column.type}")


def _cast(settings: Settings, column: ContractColumn, text: str) -> str:
    type_, timezone = column.type, settings.contract.timezone
    if type_ == "VARCHAR":
        return text
    if settings.lines.time_format and type_ in TIME_TYPES:
        return _by_format(settings.lines.time_format, text, type_, timezone)
    from_text = time_from_text(text, type_, timezone)
    if from_text or parse_type(type_).is_leaf:
        return from_text or f"TRY_CAST({text} AS {type_})"
    return f"TRY(CAST({text} AS {type_}))"  # TRY_CAST would give NULL for a part that does not cast


def _by_format(format_: str, text: str, type_: str, timezone: str) -> str:
    read, zone = f"try_strptime({text}, {quote_literal(format_)})", quote_literal(timezone)
    is_zoned = any(sign in format_.replace("%%", "") for sign in _ZONES)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return read if is_zoned else f"timezone({zone}, {read})"
    local = f"timezone({zone}, {read})" if is_zoned else read
    return local if type_ == "TIMESTAMP" else f"CAST({local} AS {type_})"


def without(text: str, absent: tuple[str, ...]) -> str:
    """Give the expression of a text that is NULL where it is one of those that mean no value."""
    if not absent:
        return text
    if len(absent) == 1:
        return f"nullif({text}, {quote_literal(absent[0])})"
    return f"CASE WHEN {text} NOT IN ({', '.join(map(quote_literal, absent))}) THEN {text} END"
