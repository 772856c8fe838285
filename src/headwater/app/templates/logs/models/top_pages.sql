/* headwater
description: All pages that were found, the most wanted first
kind: full
grain: [page]
checks:
  - unique: [place]
*/
SELECT
    row_number() OVER (ORDER BY sum(t.requests) DESC, t.page) AS place,
    t.page,
    CAST(sum(t.requests) AS BIGINT) AS requests,
    CAST(sum(t.bytes) AS BIGINT) AS bytes
FROM hourly_traffic AS t
WHERE t.status IN (200, 304) AND NOT is_asset(t.page)
GROUP BY t.page
