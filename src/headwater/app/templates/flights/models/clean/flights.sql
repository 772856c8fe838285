/* headwater
description: Scheduled departures of all three airports, one row each
kind: incremental
time: flight_date
every: 1d
grain: [time_hour, carrier, flight]
columns:
  flight_date: {description: Day of scheduled departure in New York}
  departs_at: {description: Scheduled departure}
  cancelled: {description: Never departed}
checks:
  - not_null: [flight_date, departs_at, origin, dest]
  - accepted_values: {column: origin, values: [EWR, JFK, LGA]}
  - accepted_range: {column: dep_delay, min: -120, max: 1440}
  - matches: {column: tailnum, pattern: "^N", on_fail: warn}
  - row_count: {min: 1}
*/
SELECT
    CAST(f.time_hour AS DATE) AS flight_date,
    f.time_hour,
    at_clock(f.time_hour, f.sched_dep_time) AS departs_at,
    f.origin,
    f.dest,
    f.carrier,
    f.flight,
    f.tailnum,
    f.dep_delay,
    f.arr_delay,
    f.distance * 1.609344 AS distance_km,
    f.dep_time IS NULL AS cancelled
FROM flights AS f
WHERE CAST(f.time_hour AS DATE) >= $start AND CAST(f.time_hour AS DATE) < $end
