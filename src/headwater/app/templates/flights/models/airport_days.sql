/* headwater
description: Each airport's day at a glance; a view is computed when it is read
kind: view
*/
SELECT
    d.flight_date,
    d.origin,
    CAST(sum(d.flights) AS BIGINT) AS flights,
    CAST(sum(d.cancelled) AS BIGINT) AS cancelled,
    CAST(sum(d.late) AS BIGINT) AS late,
    sum(d.late) / sum(d.flights) AS late_share
FROM daily_delays AS d
GROUP BY d.flight_date, d.origin
