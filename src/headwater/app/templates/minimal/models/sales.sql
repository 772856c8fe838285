/* headwater
description: Sales per product, the best first
kind: full
grain: [product]
checks:
  - accepted_range: {column: revenue, min: 0}
*/
SELECT
    o.product,
    count(*) AS orders,
    sum(o.quantity * o.price) AS revenue
FROM orders AS o
GROUP BY o.product
ORDER BY revenue DESC
