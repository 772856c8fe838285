/* headwater
description: Requests as the other models need them; part of the models that use it, never a table of its own
kind: inline
time: ts
*/
SELECT
    l.ts,
    CAST(l.ts AS DATE) AS day,
    date_trunc('hour', l.ts) AS hour,
    visitor_of(l.client_ip, l.user_agent) AS visitor,
    l.method,
    page_of(l.path) AS page,
    section_of(l.path) AS section,
    l.status,
    l.bytes,
    is_robot(l.user_agent) AS is_robot,
    l.method = 'GET' AND l.status IN (200, 304) AND NOT is_asset(l.path) AND NOT is_robot(l.user_agent) AS is_page_view
FROM access_log AS l
