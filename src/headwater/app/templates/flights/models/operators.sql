/* headwater
description: Which airline flew each aircraft, from when to when
kind: history
key: [tailnum]
track: [carrier]
time: flight_date
every: 1mo
columns:
  valid_from: {description: First day on which the airline flew it}
  valid_to: {description: First day on which another one did}
checks:
  - expression: {sql: "valid_to IS NULL OR valid_from < valid_to", name: ends after it begins}
*/
SELECT
    f.flight_date,
    f.tailnum,
    arg_max(f.carrier, f.departs_at) AS carrier
FROM clean.flights AS f
WHERE f.tailnum IS NOT NULL AND NOT f.cancelled
GROUP BY f.flight_date, f.tailnum
