/* headwater
description: Visits, each a visitor's page views without a long pause between them; one may go on past midnight
kind: full
grain: [visitor, began_at]
columns:
  landed_on: {description: The first page of the visit}
  lasted_s: {unit: s, description: From the first page view to the last}
checks:
  - accepted_range: {column: page_views, min: 1}
  - expression: {sql: "page_views > 1 OR lasted_s = 0", name: one page view takes no time}
*/
WITH views AS (
    SELECT
        r.visitor,
        r.ts,
        r.page,
        coalesce(r.ts - lag(r.ts) OVER visits > to_minutes($pause_min), true) AS is_first
    FROM requests AS r
    WHERE r.is_page_view
    WINDOW visits AS (PARTITION BY r.visitor ORDER BY r.ts, r.page)
),

numbered AS (
    SELECT
        v.visitor,
        v.ts,
        v.page,
        count(*) FILTER (WHERE v.is_first) OVER (PARTITION BY v.visitor ORDER BY v.ts, v.page) AS visit
    FROM views AS v
)

SELECT
    n.visitor,
    min(n.ts) AS began_at,
    first(n.page ORDER BY n.ts, n.page) AS landed_on,
    count(*) AS page_views,
    date_diff('second', min(n.ts), max(n.ts)) AS lasted_s
FROM numbered AS n
GROUP BY n.visitor, n.visit
