// title: Products that people buy again
// question: What share of a product's buyers bought it at more than one time?
// parameter: buyers whole = 10 -- the fewest buyers that a product must have
// parameter: limit whole = 20 -- the most rows
// example: {"buyers": 2, "limit": 3}
// row: {"product": "seeds", "title": "Seeds", "buyers": 2, "again": 1, "percent": 50.0}
// row: {"product": "spade", "title": "Spade", "buyers": 2, "again": 1, "percent": 50.0}
// row: {"product": "tea", "title": "Tea", "buyers": 8, "again": 2, "percent": 25.0}
MATCH (u:User)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
WHERE e.behaviour = 'purchase'
WITH p, u, count(DISTINCT e.time) AS times
WITH p, count(*) AS buyers, sum(CASE WHEN times > 1 THEN 1 ELSE 0 END) AS again
WHERE buyers >= $buyers
RETURN p.id AS product, p.title AS title, buyers, again, round(100.0 * again / buyers, 1) AS percent
ORDER BY percent DESC, product LIMIT $limit
