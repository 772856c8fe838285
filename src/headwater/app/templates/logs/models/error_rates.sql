/* headwater
description: How many requests failed in each hour; a view is computed when it is read
kind: view
*/
SELECT
    t.hour,
    CAST(sum(t.requests) AS BIGINT) AS requests,
    CAST(coalesce(sum(t.requests) FILTER (WHERE t.status BETWEEN 400 AND 499), 0) AS BIGINT) AS client_errors,
    CAST(coalesce(sum(t.requests) FILTER (WHERE t.status >= 500), 0) AS BIGINT) AS server_errors,
    coalesce(sum(t.requests) FILTER (WHERE t.status >= 500), 0) / sum(t.requests) AS server_error_share
FROM hourly_traffic AS t
GROUP BY t.hour
