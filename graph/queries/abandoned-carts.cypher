// title: Abandoned carts
// question: Who put a product into the cart in the last days and has not bought it since?
// parameter: days whole = 30 -- how far to look back
// parameter: limit whole = 100 -- the most rows
// example: {"days": 30}
// row: {"user": "dot", "product": "mug", "title": "Mug", "day": "2024-06-23"}
// row: {"user": "bob", "product": "kettle", "title": "Kettle", "day": "2024-06-15"}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.behaviour = 'cart' AND e.time >= start
MATCH (e)-[:ON]->(p:Product)
WITH u, p, max(e.time) AS put
OPTIONAL MATCH (u)-[:PERFORMED]->(f:Event)-[:ON]->(p)
WHERE f.behaviour = 'purchase' AND f.time >= put
WITH u, p, put, count(f) AS bought WHERE bought = 0
RETURN u.id AS user, p.id AS product, p.title AS title, toString(date(datetime({epochMillis: put}))) AS day
ORDER BY put DESC, user, product LIMIT $limit
