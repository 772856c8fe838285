/* headwater
description: Visits, each a visitor's page views without a long pause between them; one may go on past midnight
kind: full
grain: [visitor, began_at]
through: {access_log: visitor-tokens}
columns:
  landed_on: {description: The first page of the visit}
  lasted_s: {unit: s, description: From the first page view to the last}
checks:
  - accepted_range: {column: page_views, min: 1}
  - expression: {sql: "page_views > 1 OR lasted_s = 0", name: one page view takes no time}
*/
WITH seen AS (
    SELECT visitor_of(l.client_ip, l.user_agent) AS visitor, l.ts, page_of(l.path) AS page
    FROM access_log AS l
    WHERE is_page_view(l.method, l.status, l.path, l.user_agent)
),

views AS (
    SELECT
        s.visitor,
        s.ts,
        s.page,
        coalesce(s.ts - lag(s.ts) OVER visits > to_minutes($pause_min), true) AS is_first
    FROM seen AS s
    WINDOW visits AS (PARTITION BY s.visitor ORDER BY s.ts, s.page)
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
