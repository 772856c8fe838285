"""How punctual each carrier is when the weather is no excuse."""

import polars as pl

import headwater as hw

CALM_KMH = 35


@hw.model(
    kind="full",
    inputs={"delays": "daily_delays"},
    columns={"carrier": "text", "days": "bigint", "typical_delay": "double", "spread": "double", "score": "double"},
    grain=["carrier"],
    checks=[hw.not_null("carrier", "score"), hw.accepted_range("score", min=0, max=100)],
    timeout="5m",
    memory="1GiB",
)
def carrier_score(delays: pl.DataFrame, run: hw.Run) -> pl.DataFrame:
    """Score carriers on calm days by median and median deviation: a few terrible days move neither much."""
    late_after_min = float(run.variables["late_after_min"])
    calm = delays.filter(
        pl.col("mean_delay").is_not_null(),
        pl.col("wind_kmh").fill_null(0) < CALM_KMH,
        pl.col("precip_mm").fill_null(0) == 0,
    )
    typical = calm.with_columns(typical_delay=pl.col("mean_delay").median().over("carrier"))
    return (
        typical.group_by("carrier")
        .agg(
            days=pl.len().cast(pl.Int64),
            typical_delay=pl.col("typical_delay").first(),
            spread=(pl.col("mean_delay") - pl.col("typical_delay")).abs().median(),
        )
        .with_columns(badness=(pl.col("typical_delay").clip(lower_bound=0) + pl.col("spread")) / late_after_min)
        .with_columns(score=(100 - 50 * pl.col("badness")).clip(0, 100))
        .drop("badness")
        .sort("score", "carrier", descending=[True, False])
    )
