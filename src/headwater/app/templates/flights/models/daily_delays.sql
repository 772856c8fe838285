/* headwater
description: Delays per day, airport and carrier
kind: incremental
time: flight_date
every: 1d
grain: [flight_date, origin, carrier]
columns:
  mean_delay: {unit: min, description: Mean delay at departure of the flights that departed}
  late: {description: "Departures more than $late_after_min minutes late"}
checks:
  - accepted_range: {column: cancelled_share, min: 0, max: 1}
  - expression: {sql: "flights >= cancelled + late", name: no more cancelled and late than planned}
  - references: {column: carrier, to: airlines.carrier}
*/
SELECT
    d.flight_date,
    d.origin,
    d.carrier,
    count(*) AS flights,
    count(*) FILTER (WHERE d.cancelled) AS cancelled,
    count(*) FILTER (WHERE d.cancelled) / count(*) AS cancelled_share,
    count(*) FILTER (WHERE is_late(d.dep_delay, $late_after_min)) AS late,
    avg(d.dep_delay) AS mean_delay,
    quantile_cont(d.dep_delay, 0.9) AS delay_p90,
    avg(d.wind_kmh) AS wind_kmh,
    avg(d.precip_mm) AS precip_mm
FROM departures AS d
WHERE d.flight_date >= $start AND d.flight_date < $end
GROUP BY d.flight_date, d.origin, d.carrier
