// title: Best sellers of a period
// question: Which products were bought by the most people from one day up to another?
// parameter: since date -- first day
// parameter: until date -- the day after the last
// parameter: limit whole = 20 -- the most rows
// example: {"since": "2024-05-01", "until": "2024-06-01", "limit": 3}
// row: {"product": "tea", "title": "Tea", "buyers": 4, "purchases": 5}
// row: {"product": "pot", "title": "Pot", "buyers": 3, "purchases": 3}
// row: {"product": "mug", "title": "Mug", "buyers": 2, "purchases": 2}
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.behaviour = 'purchase' AND e.time >= $since AND e.time < $until
MATCH (e)-[:ON]->(p:Product)
RETURN p.id AS product, p.title AS title, count(DISTINCT u) AS buyers, count(*) AS purchases
ORDER BY buyers DESC, purchases DESC, product LIMIT $limit
