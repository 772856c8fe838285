/* headwater
description: Requests as the other models need them; part of the models that use it, never a table of its own
kind: inline
time: ts
*/
SELECT
    l.ts,
    date_trunc('hour', l.ts) AS hour,
    page_of(l.path) AS page,
    l.status,
    l.bytes
FROM access_log AS l
