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
SELECT
    CAST(l.ts AS DATE) AS day,
    section_of(l.path) AS section,
    count(DISTINCT visitor_of(l.client_ip, l.user_agent)) AS visitors,
    count(*) AS page_views
FROM access_log AS l
WHERE is_page_view(l.method, l.status, l.path, l.user_agent) AND CAST(l.ts AS DATE) >= $start AND CAST(l.ts AS DATE) < $end
GROUP BY CAST(l.ts AS DATE), section_of(l.path)
