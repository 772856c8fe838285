"""Which files can be read by one relation, and which are set aside whole because their columns are others."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from headwater.connect.sources import ScanItem
from headwater.connectors.sources.files.access_logs import log_reading
from headwater.connectors.sources.files.columnar import FileSchema, columnar_reading, schema_of
from headwater.connectors.sources.files.delimited import (
    Header,
    delimited_reading,
    header_of,
    missing_columns,
    schema_reject,
    what_is_wrong,
)
from headwater.connectors.sources.files.documents import document_reading, layout_of
from headwater.connectors.sources.files.logfmt import logfmt_reading
from headwater.connectors.sources.files.reading import Reading
from headwater.connectors.sources.files.regex_lines import regex_reading
from headwater.connectors.sources.files.serial import is_marked
from headwater.connectors.sources.files.settings import LINE_FORMATS, Settings
from headwater.connectors.sources.files.syslog import syslog_reading
from headwater.connectors.sources.files.syslog_years import last_moment
from headwater.diagnostics import Diagnostic, Invalid, Retryable, error
from headwater.spec.observations import SetAside

T = TypeVar("T", bound=Hashable)
_OTHERS = "mend the file or the columns, or say `on_schema_change: quarantine` (or `evolve`)"
_WITHOUT_REQUIRED = "mend the file: a file that evolves still has what is required, each name once"


@dataclass(frozen=True, slots=True)
class Grouped:
    """Readings that together cover all files with rows, and the rejects of files that have other columns."""

    readings: tuple[Reading, ...]
    set_aside: tuple[SetAside, ...] = ()


class Layouts:
    """Remembers how each file is laid out, by identity: heads are read once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Hashable] = {}

    def grouped(self, scans: Sequence[ScanItem]) -> Grouped:
        """Sort files into readings; raises Invalid for other columns (unless quarantined), Retryable if gone."""
        settings = self._settings
        scans = [scan for scan in scans if scan.item.size_bytes]
        if not scans:
            return Grouped(())
        if settings.format in LINE_FORMATS:
            return Grouped((self._lines(scans),))
        if settings.format in {"json", "jsonl"}:
            layouts = self._by(scans, lambda path: layout_of(settings, path))
            return Grouped(tuple(document_reading(settings, found, kind) for kind, found in layouts.items() if kind))
        if settings.format == "parquet":
            schemas = self._by(scans, lambda path: schema_of(settings, path))
            headers = {Header(tuple(n for n, _ in s.columns), ", ".join(n for n, _ in s.columns)): s for s in schemas}
            whole, aside = self._whole({header: schemas[schema] for header, schema in headers.items()})
            return Grouped(tuple(columnar_reading(settings, whole[h], headers[h]) for h in whole), aside)
        by_header = self._by(scans, lambda path: header_of(settings, path))
        whole, aside = self._whole({header: found for header, found in by_header.items() if header.names})
        return Grouped(tuple(self._delimited(whole)), aside)

    def _lines(self, scans: Sequence[ScanItem]) -> Reading:
        settings = self._settings
        if settings.format == "logfmt":
            return logfmt_reading(settings, scans)
        if settings.format == "regex":
            return regex_reading(settings, scans)
        if settings.format != "syslog":
            return log_reading(settings, scans)
        latest = {scan.item.identity: self._latest(scan) for scan in scans}
        return syslog_reading(settings, scans, lambda item: latest[item.identity])

    def _latest(self, scan: ScanItem) -> datetime | None:
        return self._layout(scan, lambda _: (last_moment(self._settings, scan.item),))[0]

    def headers(self, scans: Sequence[ScanItem]) -> dict[Header, list[ScanItem]]:
        """Give delimited files with rows by their headers."""
        with_rows = [scan for scan in scans if scan.item.size_bytes]
        return self._by(with_rows, lambda path: header_of(self._settings, path))

    def schemas(self, scans: Sequence[ScanItem]) -> dict[FileSchema, list[ScanItem]]:
        """Give Parquet files with rows by their schemas."""
        with_rows = [scan for scan in scans if scan.item.size_bytes]
        return self._by(with_rows, lambda path: schema_of(self._settings, path))

    def _delimited(self, whole: dict[Header, list[ScanItem]]) -> Iterator[Reading]:
        for header, scans in whole.items():
            for is_serial in (False, True):
                found = [scan for scan in scans if is_marked(scan) is is_serial]
                if found:
                    yield delimited_reading(self._settings, found, header, is_serial=is_serial)

    def _by(self, scans: Sequence[ScanItem], read: Callable[[str], T]) -> dict[T, list[ScanItem]]:
        found: dict[T, list[ScanItem]] = {}
        for scan in scans:
            found.setdefault(self._layout(scan, read), []).append(scan)
        return found

    def _layout(self, scan: ScanItem, read: Callable[[str], T]) -> T:
        known = self._known.get(scan.item.identity)
        if known is None:
            try:
                known = read(scan.item.path)
            except FileNotFoundError:
                raise Retryable(self._problem("HW0309", scan, "vanished after it was listed")) from None
            except PermissionError as problem:
                raise Invalid(self._problem("HW0306", scan, f"cannot be opened: {problem.strerror}")) from None
            except OSError as problem:
                raise Invalid(self._problem("HW0314", scan, f"cannot be read to its end: {problem}")) from None
            self._known[scan.item.identity] = known
        return known  # type: ignore[return-value]

    def _problem(self, code: str, scan: ScanItem, text: str) -> Diagnostic:
        return error(code, f"`{scan.item.path}` {text}", self._settings.where)

    def _whole(
        self, by_header: dict[Header, list[ScanItem]]
    ) -> tuple[dict[Header, list[ScanItem]], tuple[SetAside, ...]]:
        whole: dict[Header, list[ScanItem]] = {}
        aside: list[SetAside] = []
        found = []
        for header, scans in by_header.items():
            missing = missing_columns(self._settings, header)
            if not missing:
                whole[header] = scans
            elif self._settings.contract.fail_on_schema_change:
                found += [self._schema_change(scan, header, missing) for scan in scans]
            else:
                aside += [schema_reject(scan, header, missing) for scan in scans]
        if found:
            raise Invalid.from_all(found)
        return whole, tuple(aside)

    def _schema_change(self, scan: ScanItem, header: Header, missing: tuple[str, ...]) -> Diagnostic:
        has = ", ".join(header.names[:20]) or "none"
        return error(
            "HW0311",
            f"`{scan.item.path}` {what_is_wrong(header, missing)}; it has {has}",
            self._settings.where,
            hint=_WITHOUT_REQUIRED if self._settings.contract.evolve else _OTHERS,
        )
