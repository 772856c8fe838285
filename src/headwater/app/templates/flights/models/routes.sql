/* headwater
description: All routes, the busiest first, with the airline that flies most on each
kind: full
grain: [origin, dest]
columns:
  place: {description: "1 is the busiest route"}
  seats: {description: Seats offered on flights whose aircraft is in the register}
checks:
  - unique: [place]
  - accepted_range: {column: leader_share, min: 0, max: 1}
  - query:
      name: every departure stands on one route
      sql: >-
        SELECT r.flights, f.flights FROM (SELECT sum(flights) AS flights FROM this) AS r
        JOIN (SELECT count(*) AS flights FROM clean.flights) AS f ON r.flights <> f.flights
*/
WITH by_carrier AS (
    SELECT
        f.origin,
        f.dest,
        f.carrier,
        count(*) AS flights,
        CAST(sum(p.seats) AS BIGINT) AS seats,
        CAST(sum(f.arr_delay) AS BIGINT) AS arr_delay,
        count(f.arr_delay) AS arrived
    FROM clean.flights AS f
    LEFT JOIN clean.aircraft AS p ON p.tailnum = f.tailnum
    GROUP BY f.origin, f.dest, f.carrier
),

leaders AS (
    SELECT c.origin, c.dest, c.flights, a.name
    FROM by_carrier AS c
    LEFT JOIN airlines AS a ON a.carrier = c.carrier
    QUALIFY row_number() OVER (PARTITION BY c.origin, c.dest ORDER BY c.flights DESC, c.carrier) = 1
),

totals AS (
    SELECT
        c.origin,
        c.dest,
        CAST(sum(c.flights) AS BIGINT) AS flights,
        CAST(sum(c.seats) AS BIGINT) AS seats,
        sum(c.arr_delay) / sum(c.arrived) AS mean_arr_delay
    FROM by_carrier AS c
    GROUP BY c.origin, c.dest
)

SELECT
    row_number() OVER (ORDER BY t.flights DESC, t.origin, t.dest) AS place,
    t.origin,
    t.dest,
    coalesce(p.name, t.dest) AS destination,
    t.flights,
    t.seats,
    t.mean_arr_delay,
    l.name AS leader,
    l.flights / t.flights AS leader_share
FROM totals AS t
JOIN leaders AS l ON l.origin = t.origin AND l.dest = t.dest
LEFT JOIN airports AS p ON p.faa = t.dest
