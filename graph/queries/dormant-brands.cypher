// title: Dormant brands
// question: Which brands with products on sale had no purchase in the last days?
// parameter: days whole = 90 -- how far to look back
// parameter: limit whole = 100 -- the most rows
// example: {"days": 18}
// row: {"brand": "acme", "name": "Acme", "products": 2, "last_purchase": "2024-06-09"}
// row: {"brand": "dust", "name": "Dust", "products": 1, "last_purchase": null}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (b:Brand)<-[:MADE_BY]-(p:Product)
WHERE coalesce(p.available, true)
OPTIONAL MATCH (p)<-[:ON]-(e:Event)
WHERE e.behaviour = 'purchase'
WITH b, start, count(DISTINCT p) AS products, max(e.time) AS last
WHERE last IS NULL OR last < start
RETURN b.id AS brand, b.name AS name, products,
  CASE WHEN last IS NULL THEN null ELSE toString(date(datetime({epochMillis: last}))) END AS last_purchase
ORDER BY products DESC, brand LIMIT $limit
