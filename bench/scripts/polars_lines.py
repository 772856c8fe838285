"""The pipeline as somebody would write it in Polars: one regular expression a line."""

import sys

import polars as pl

source, target = sys.argv[1:]
TEXT = r'(?:[^"\\]|\\.)*'
LINE = rf'^[^"]*?\[(?<ts>[^\]"]*)\] "(?<method>[^" ]*){TEXT}" (?<status>\d{{3}}) (?<bytes>\d+|-) "{TEXT}" "{TEXT}"\s*$'
lines = pl.scan_csv(
    source, has_header=False, separator="\x01", quote_char=None, new_columns=["line"], schema={"line": pl.String}
)
parts = lines.select(pl.col("line").str.extract_groups(LINE).struct.unnest())
typed = parts.select(
    pl.col("ts").str.to_datetime("%d/%b/%Y:%H:%M:%S %z", strict=False, time_unit="us", time_zone="UTC"),
    pl.col("method"),
    pl.col("status").cast(pl.Int32, strict=False),
    pl.when(pl.col("bytes") != "-").then(pl.col("bytes")).cast(pl.Int64, strict=False),
)
kept = typed.filter(pl.col("ts").is_not_null() & pl.col("status").is_not_null() & (pl.col("method") == "GET"))
hours = kept.group_by(pl.col("ts").dt.truncate("1h").alias("hour"), "status")
result = hours.agg(pl.len().cast(pl.Int64).alias("requests"), pl.col("bytes").sum())
result.sink_parquet(target, compression="zstd", engine="streaming")
