/* headwater
description: Departures with the weather at the scheduled hour, where the airport recorded it
kind: incremental
time: flight_date
every: 1d
grain: [time_hour, carrier, flight]
checks:
  - expression: {sql: "NOT cancelled OR dep_delay IS NULL", name: what never departed has no delay}
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
    w.temp_c,
    w.wind_kmh,
    w.precip_mm,
    w.visibility_km
FROM clean.flights AS f
LEFT JOIN clean.weather AS w
    -- the day, too: with it a month of days is filled by one query, and proved to be the same as day by day
    ON w.day = f.flight_date AND w.time_hour = f.time_hour AND w.origin = f.origin
WHERE f.flight_date >= $start AND f.flight_date < $end
