// title: Products that bridge two categories
// question: Which products lie in the baskets that hold something of both categories, and how much of their baskets are such?
// parameter: category text -- id of the one; what is below it counts as well
// parameter: other text -- id of the other
// parameter: limit whole = 20 -- the most rows
// example: {"category": "kitchen", "other": "garden", "limit": 3}
// row: {"product": "tea", "title": "Tea", "baskets": 3, "percent": 30.0}
// row: {"product": "spade", "title": "Spade", "baskets": 2, "percent": 66.7}
// row: {"product": "gloves", "title": "Gloves", "baskets": 1, "percent": 50.0}
UNWIND [$category, $other] AS side
MATCH (:Category {id: side})<-[:CHILD_OF*0..]-(c:Category)<-[:IN_CATEGORY]-(:Product)<-[:ON]-(e:Event)
WHERE e.behaviour = 'purchase' AND e.basket IS NOT NULL
WITH e.basket AS basket, count(DISTINCT side) AS sides WHERE sides = 2
MATCH (f:Event {basket: basket})-[:ON]->(q:Product)
WHERE f.behaviour = 'purchase'
WITH q, count(DISTINCT basket) AS spanning
ORDER BY spanning DESC, q.id LIMIT $limit
MATCH (q)<-[:ON]-(g:Event)
WHERE g.behaviour = 'purchase' AND g.basket IS NOT NULL
WITH q, spanning, count(DISTINCT g.basket) AS all
RETURN q.id AS product, q.title AS title, spanning AS baskets, round(100.0 * spanning / all, 1) AS percent
ORDER BY baskets DESC, product
