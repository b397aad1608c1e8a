// title: What people buy next
// question: What is in a shopper's next purchase after their first of a product, and how many days later?
// parameter: product text -- id of the product
// parameter: limit whole = 20 -- the most rows
// example: {"product": "tea"}
// row: {"product": "gloves", "title": "Gloves", "shoppers": 1, "days": 35.0}
// row: {"product": "mug", "title": "Mug", "shoppers": 1, "days": 60.0}
// row: {"product": "seeds", "title": "Seeds", "shoppers": 1, "days": 35.0}
MATCH (:Product {id: $product})<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
WHERE e.behaviour = 'purchase'
WITH u, min(e.time) AS bought
MATCH (u)-[:PERFORMED]->(f:Event)
WHERE f.behaviour = 'purchase' AND f.time > bought
WITH u, bought, min(f.time) AS next
MATCH (u)-[:PERFORMED]->(g:Event)-[:ON]->(q:Product)
WHERE g.behaviour = 'purchase' AND g.time = next AND q.id <> $product
RETURN q.id AS product, q.title AS title, count(DISTINCT u) AS shoppers,
  round(avg((next - bought) / 86400000.0), 1) AS days
ORDER BY shoppers DESC, product LIMIT $limit
