// title: Last buyers of a product
// question: Who bought a product last, and when?
// parameter: product text -- id of the product
// parameter: limit whole = 20 -- the most rows
// example: {"product": "tea", "limit": 3}
// row: {"user": "dot", "day": "2024-06-24", "purchases": 1}
// row: {"user": "eve", "day": "2024-06-21", "purchases": 1}
// row: {"user": "ann", "day": "2024-06-09", "purchases": 2}
MATCH (:Product {id: $product})<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
WHERE e.behaviour = 'purchase'
WITH u, max(e.time) AS last, count(*) AS purchases
RETURN u.id AS user, toString(date(datetime({epochMillis: last}))) AS day, purchases
ORDER BY last DESC, user LIMIT $limit
