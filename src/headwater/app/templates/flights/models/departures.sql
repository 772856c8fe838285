/* headwater
description: Departures with the weather at the scheduled hour, or the last one observed in the six hours before
kind: incremental
time: flight_date
every: 1d
grain: [time_hour, carrier, flight]
reads:
  clean.weather: {before: 6h}       # the first departures of a day may need the evening before
checks:
  - expression: {sql: "observed_at IS NULL OR observed_at <= time_hour", name: weather is never from the future}
*/
SELECT
    f.flight_date,
    f.time_hour,
    f.origin,
    f.dest,
    f.carrier,
    f.flight,
    f.dep_delay,
    f.arr_delay,
    f.cancelled,
    if_recent(w.time_hour, w.time_hour, f.time_hour) AS observed_at,
    if_recent(w.temp_c, w.time_hour, f.time_hour) AS temp_c,
    if_recent(w.wind_kmh, w.time_hour, f.time_hour) AS wind_kmh,
    if_recent(w.precip_mm, w.time_hour, f.time_hour) AS precip_mm,
    if_recent(w.visibility_km, w.time_hour, f.time_hour) AS visibility_km
FROM clean.flights AS f
ASOF LEFT JOIN clean.weather AS w ON w.origin = f.origin AND w.time_hour <= f.time_hour
WHERE f.flight_date >= $start AND f.flight_date < $end
