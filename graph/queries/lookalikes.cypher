// title: Shoppers like a shopper
// question: Who has bought most of the same products as one shopper (shared products in a hundred of both's)?
// parameter: user text -- id of the shopper
// parameter: limit whole = 20 -- the most rows
// example: {"user": "ann", "limit": 3}
// row: {"user": "cid", "shared": 3, "theirs": 3, "percent": 100.0}
// row: {"user": "fay", "shared": 2, "theirs": 2, "percent": 66.7}
// row: {"user": "gil", "shared": 2, "theirs": 2, "percent": 66.7}
MATCH (u:User {id: $user})-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
WHERE e.behaviour = 'purchase'
WITH u, collect(DISTINCT p) AS bought
UNWIND bought AS p
MATCH (p)<-[:ON]-(f:Event)<-[:PERFORMED]-(v:User)
WHERE f.behaviour = 'purchase' AND v.id <> u.id
WITH v, size(bought) AS own, count(DISTINCT p) AS shared
ORDER BY shared DESC, v.id LIMIT 100
MATCH (v)-[:PERFORMED]->(g:Event)-[:ON]->(q:Product)
WHERE g.behaviour = 'purchase'
WITH v, own, shared, count(DISTINCT q) AS theirs
RETURN v.id AS user, shared, theirs, round(100.0 * shared / (own + theirs - shared), 1) AS percent
ORDER BY percent DESC, user LIMIT $limit
