/* headwater
description: Visitors and page views per day and section of the site, without robots
kind: incremental
time: day
every: 1d
grain: [day, section]
checks:
  - expression: {sql: "page_views >= visitors", name: who visits sees a page}
*/
SELECT
    r.day,
    r.section,
    count(DISTINCT r.visitor) AS visitors,
    count(*) AS page_views
FROM requests AS r
WHERE r.is_page_view AND r.day >= $start AND r.day < $end
GROUP BY r.day, r.section
