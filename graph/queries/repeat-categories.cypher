// title: Categories that people come back to
// question: What share of a category's buyers bought in it at more than one time?
// parameter: buyers whole = 10 -- the fewest buyers that a category must have
// parameter: limit whole = 20 -- the most rows
// example: {"buyers": 2}
// row: {"category": "garden", "name": "Garden", "buyers": 3, "again": 2, "percent": 66.7}
// row: {"category": "kitchen", "name": "Kitchen", "buyers": 9, "again": 4, "percent": 44.4}
MATCH (u:User)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
WHERE e.behaviour = 'purchase'
WITH DISTINCT u, p, e.time AS time
MATCH (p)-[:IN_CATEGORY]->(c:Category)
WITH c, u, count(DISTINCT time) AS times
WITH c, count(*) AS buyers, sum(CASE WHEN times > 1 THEN 1 ELSE 0 END) AS again
WHERE buyers >= $buyers
RETURN c.id AS category, c.name AS name, buyers, again, round(100.0 * again / buyers, 1) AS percent
ORDER BY percent DESC, category LIMIT $limit
