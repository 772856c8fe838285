/* headwater
description: Visitors and page views per day and section of the site, without robots
kind: incremental
time: day
every: 1d
grain: [day, section]
through: {access_log: visitor-tokens}
checks:
  - expression: {sql: "page_views >= visitors", name: who visits sees a page}
*/
WITH views AS (
    SELECT
        CAST(l.ts AS DATE) AS day,
        section_of(l.path) AS section,
        visitor_of(l.client_ip, l.user_agent) AS visitor
    FROM access_log AS l
    WHERE is_page_view(l.method, l.status, l.path, l.user_agent)
)

SELECT
    v.day,
    v.section,
    count(DISTINCT v.visitor) AS visitors,
    count(*) AS page_views
FROM views AS v
WHERE v.day >= $start AND v.day < $end
GROUP BY v.day, v.section
