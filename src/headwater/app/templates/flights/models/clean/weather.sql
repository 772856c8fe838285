/* headwater
description: Hourly weather at each airport in metric units
kind: incremental
time: time_hour
every: 1d
grain: [time_hour, origin]
columns:
  temp_c: {unit: °C}
  wind_kmh: {unit: km/h}
  precip_mm: {unit: mm}
  visibility_km: {unit: km}
checks:
  # Newark reported a wind of 1,687 km/h on 12 February: such rows are set aside, not loaded
  - accepted_range: {column: wind_kmh, min: 0, max: 400, on_fail: quarantine}
  - accepted_range: {column: temp_c, min: -40, max: 50}
*/
SELECT
    w.time_hour,
    w.origin,
    celsius(w.temp) AS temp_c,
    w.wind_speed * 1.609344 AS wind_kmh,
    w.precip * 25.4 AS precip_mm,
    w.visib * 1.609344 AS visibility_km
FROM weather AS w
WHERE w.time_hour >= $start AND w.time_hour < $end
