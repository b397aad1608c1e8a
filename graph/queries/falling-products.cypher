// title: Demand that falls
// question: Which products have fewer buyers in the last days than in as many days before?
// parameter: days whole = 30 -- length of each of the two periods
// parameter: limit whole = 20 -- the most rows
// example: {"days": 30, "limit": 3}
// row: {"product": "pot", "title": "Pot", "buyers_before": 3, "buyers_now": 0}
// row: {"product": "mug", "title": "Mug", "buyers_before": 2, "buyers_now": 1}
// row: {"product": "tea", "title": "Tea", "buyers_before": 4, "buyers_now": 3}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) AS now
WITH now, now - $days * 86400000 AS middle, now - 2 * $days * 86400000 AS start
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.behaviour = 'purchase' AND e.time >= start AND e.time < now
MATCH (e)-[:ON]->(p:Product)
WITH p, u, middle, min(e.time) AS first, max(e.time) AS last
WITH p, sum(CASE WHEN first < middle THEN 1 ELSE 0 END) AS buyers_before,
  sum(CASE WHEN last >= middle THEN 1 ELSE 0 END) AS buyers_now
WHERE buyers_now < buyers_before
RETURN p.id AS product, p.title AS title, buyers_before, buyers_now
ORDER BY buyers_now - buyers_before, product LIMIT $limit
