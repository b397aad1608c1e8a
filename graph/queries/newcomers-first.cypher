// title: What newcomers buy first
// question: What is in the first purchase of the people who bought for the first time in the last days?
// parameter: days whole = 90 -- how far to look back
// parameter: limit whole = 20 -- the most rows
// example: {"days": 60, "limit": 3}
// row: {"product": "tea", "title": "Tea", "newcomers": 4}
// row: {"product": "pot", "title": "Pot", "newcomers": 3}
// row: {"product": "mug", "title": "Mug", "newcomers": 2}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.behaviour = 'purchase'
WITH start, u, min(e.time) AS first
WHERE first >= start
MATCH (u)-[:PERFORMED]->(f:Event)-[:ON]->(p:Product)
WHERE f.behaviour = 'purchase' AND f.time = first
RETURN p.id AS product, p.title AS title, count(DISTINCT u) AS newcomers
ORDER BY newcomers DESC, product LIMIT $limit
