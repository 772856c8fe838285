/* headwater
description: Hourly weather at each airport in metric units
kind: incremental
time: day
every: 1d
grain: [time_hour, origin]
columns:
  day: {description: Day in New York}
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
    CAST(w.time_hour AS DATE) AS day,
    w.time_hour,
    w.origin,
    celsius(w.temp) AS temp_c,
    w.wind_speed * 1.609344 AS wind_kmh,
    w.precip * 25.4 AS precip_mm,
    w.visib * 1.609344 AS visibility_km
FROM weather AS w
WHERE CAST(w.time_hour AS DATE) >= $start AND CAST(w.time_hour AS DATE) < $end
