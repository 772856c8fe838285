/* headwater
description: Requests and bytes per hour, page and status
kind: incremental
time: hour
every: 1d
grain: [hour, page, status]
columns:
  page: {description: Path without its query; empty where the request was no HTTP}
  bytes: {unit: B, description: Size of the answers that were sent}
checks:
  - accepted_range: {column: status, min: 100, max: 599}
  - accepted_range: {column: requests, min: 1}
  - row_count: {min: 1, on_fail: warn}
*/
SELECT
    r.hour,
    coalesce(r.page, '') AS page,
    r.status,
    count(*) AS requests,
    CAST(coalesce(sum(r.bytes), 0) AS BIGINT) AS bytes
FROM requests AS r
WHERE r.hour >= $start AND r.hour < $end
GROUP BY r.hour, coalesce(r.page, ''), r.status
