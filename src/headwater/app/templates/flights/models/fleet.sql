/* headwater
description: Every aircraft with its last departure; a day that is filled again merges only the aircraft it touches
kind: merge
key: [tailnum]
time: flight_date
every: 1mo
checks:
  - not_null: [tailnum, dest]
  - row_count: {min: 1000}
*/
SELECT
    f.flight_date,
    f.tailnum,
    f.carrier,
    f.departs_at,
    f.origin,
    f.dest
FROM clean.flights AS f
WHERE f.tailnum IS NOT NULL AND NOT f.cancelled
QUALIFY row_number() OVER (PARTITION BY f.flight_date, f.tailnum ORDER BY f.departs_at DESC, f.time_hour DESC, f.dest) = 1
