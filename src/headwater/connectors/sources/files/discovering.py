"""Columns of files beyond the contract: their names, and the narrowest types that hold all of their values exactly."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from headwater.connect.sources import ContractColumn, Scan, ScanItem
from headwater.connectors.sources.files.documents import document_reading, layout_of
from headwater.connectors.sources.files.grouping import Layouts
from headwater.connectors.sources.files.listing import full_path
from headwater.connectors.sources.files.reading import LINE, path_list
from headwater.connectors.sources.files.settings import Settings
from headwater.diagnostics import Invalid, error
from headwater.spec.addresses import address
from headwater.spec.observations import Item
from headwater.sql.text import quote_identifier
from headwater.sql.widening import TEXT, widest

if TYPE_CHECKING:
    import duckdb

Columns = tuple[tuple[str, str], ...]
_EVOLVING: Final = frozenset({"csv", "tsv", "json", "jsonl", "parquet"})
MOST_COLUMNS: Final = 500
"""More names than that in files are values that stand where names belong."""
_LONGEST_NAME: Final = 200
_DIGITS: Final = 15
"""As many digits as every number keeps that has passed through a double."""
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT: Final = _DAY + "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
_ZONE: Final = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_NUMBER: Final = "-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]{1,2})?"


@dataclass(frozen=True, slots=True)
class Discovery:
    """Looks into files; ``scan`` offers files as a relation under other settings."""

    settings: Settings
    layouts: Layouts
    connection: "duckdb.DuckDBPyConnection"
    scan: Callable[[Settings, Sequence[ScanItem]], Scan]

    def of(self, items: Iterable[Item]) -> dict[str, Columns]:
        """Give identity → columns that hold a value; every file that has such a column has it in all of its rows."""
        self._require_names()
        scans = [ScanItem(item=item) for item in items if item.size_bytes]
        if self.settings.format in {"json", "jsonl"}:
            return self._documents(scans)
        if self.settings.format == "parquet":
            return self._columnar(scans)
        found: dict[str, Columns] = {}
        for header, files in self.layouts.headers(scans).items():
            found |= dict.fromkeys(_identities(files), self._typed(self._new(header.names), files, TEXT, _text_type))
        return found

    def _require_names(self) -> None:
        if self.settings.format in _EVOLVING and self.settings.dialect.header:
            return
        hint = f"formats that can: {', '.join(sorted(_EVOLVING))}; csv and tsv with a header"
        text = "files without names of columns cannot evolve"
        raise Invalid(error("HW0280", text, self.settings.where, hint=hint))

    def _columnar(self, scans: Sequence[ScanItem]) -> dict[str, Columns]:
        found: dict[str, Columns] = {}
        for schema, files in self.layouts.schemas(scans).items():
            new = set(self._new([name for name, _ in schema.columns]))
            path = path_list((full_path(self.settings, files[0].item.path),))
            described = self.connection.execute(
                f"DESCRIBE SELECT * FROM read_parquet({path}, hive_partitioning = false)"
            ).fetchall() if new else []  # fmt: skip
            columns = tuple((row[0].strip(), row[1]) for row in described if row[0].strip() in new)
            found |= dict.fromkeys(_identities(files), columns)
        return found

    def _documents(self, scans: Sequence[ScanItem]) -> dict[str, Columns]:
        by_keys: dict[tuple[str, ...], list[ScanItem]] = {}
        for scan in scans:
            by_keys.setdefault(self._new(self._keys(scan)), []).append(scan)
        found: dict[str, Columns] = {}
        for new, files in by_keys.items():
            found |= dict.fromkeys(_identities(files), self._typed(new, files, "JSON", _json_type))
        return found

    def _keys(self, scan: ScanItem) -> list[str]:
        """Give the keys of a file's objects, sorted."""
        layout = layout_of(self.settings, scan.item.path)
        if not layout:
            return []
        relation = document_reading(self.settings, [scan], layout).relation
        each = f"SELECT unnest(TRY(json_keys({LINE}))) AS key FROM ({relation}) AS raw"
        return [key for (key,) in self.connection.execute(f"SELECT DISTINCT key FROM ({each}) ORDER BY key").fetchall()]

    def _new(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the names that are not declared, stand there once (case aside), and could be names."""
        stripped = [name.strip() for name in names]
        folded = [name.casefold() for name in stripped]
        declared = {c.name.casefold() for c in self.settings.contract.columns if not c.discovered}
        new = tuple(n for n in stripped if n.casefold() not in declared and folded.count(n.casefold()) == 1)
        if len(new) > MOST_COLUMNS:
            text = f"a file of `{self.settings.pattern.text}` has {len(new):,} columns that are not declared"
            hint = "declare a column of type json that holds them, or say `on_schema_change: quarantine`"
            raise Invalid(error("HW0283", text, self.settings.where, hint=hint))
        return tuple(filter(_can_be_a_name, new))

    def _typed(
        self, names: Sequence[str], files: Sequence[ScanItem], as_: str, type_of: Callable[[str], str]
    ) -> Columns:
        """Read the columns of files that have the same ones, and give those with values, each with its type."""
        if not names:
            return ()
        kept = [c for c in self.settings.contract.columns if not c.discovered]
        extra = [ContractColumn(name=name, type=as_, discovered=True) for name in names]
        contract = replace(self.settings.contract, columns=(*kept, *extra))
        unique = address(self.settings.address, "discover", *names)
        relation = self.scan(replace(self.settings, contract=contract, address=unique), files)
        for statement in relation.setup:
            self.connection.execute(statement)
        columns = [quote_identifier(name) for name in names]
        lists = ", ".join(f"list(DISTINCT {type_of(c)}) FILTER (WHERE {c} IS NOT NULL)" for c in columns)
        row = self.connection.execute(f"SELECT {lists} FROM ({relation.sql}) AS scanned").fetchone() or ()
        return tuple((name, widest(types)) for name, types in zip(names, row, strict=True) if types)


def _identities(files: Iterable[ScanItem]) -> list[str]:
    return [scan.item.identity for scan in files]


def _can_be_a_name(name: str) -> bool:
    return bool(name) and name.isprintable() and len(name) <= _LONGEST_NAME and not name.startswith("__hw_")


def _text_type(x: str) -> str:
    """Give the SQL for the type of a text: what is written otherwise than the type would be (`007`) stays text."""
    return _cases({"BOOLEAN": f"lower({x}) IN ('true', 'false')", **_numbers(x), **_times(x)})


def _json_type(x: str) -> str:
    """Give the SQL for the type of a JSON value; of texts only times are more than text."""
    text = f"({x} ->> '$')"
    return (
        f"CASE WHEN json_type({x}) IN ('OBJECT', 'ARRAY') THEN 'JSON' WHEN json_type({x}) = 'BOOLEAN' THEN 'BOOLEAN' "
        f"WHEN json_type({x}) = 'VARCHAR' THEN {_cases(_times(text))} ELSE {_cases(_numbers(text))} END"
    )


def _cases(conditions: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {condition} THEN '{type_}'" for type_, condition in conditions.items())
    return f"CASE {cases} ELSE '{TEXT}' END"


def _numbers(x: str) -> dict[str, str]:
    digits = f"length(regexp_replace(regexp_replace({x}, '[eE].*', ''), '[^0-9]', '', 'g'))"
    whole = f"regexp_full_match({x}, '0|-?[1-9][0-9]*')"
    return {
        "INTEGER": f"{whole} AND TRY_CAST({x} AS INTEGER) IS NOT NULL",
        "BIGINT": f"{whole} AND TRY_CAST({x} AS BIGINT) IS NOT NULL",
        "DOUBLE": f"regexp_full_match({x}, '{_NUMBER}') AND {digits} <= {_DIGITS}",
    }


def _times(x: str) -> dict[str, str]:
    forms = {"DATE": _DAY, "TIMESTAMP": _MOMENT, "TIMESTAMP WITH TIME ZONE": _MOMENT + _ZONE}
    return {
        type_: f"regexp_full_match({x}, '{form}') AND TRY_CAST({x} AS {type_}) IS NOT NULL"
        for type_, form in forms.items()
    }
