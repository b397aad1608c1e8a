// title: Brands bought together
// question: Which two brands are most often in one basket?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"brand": "acme", "other": "leaf", "baskets": 5}
// row: {"brand": "bolt", "other": "leaf", "baskets": 3}
// row: {"brand": "acme", "other": "bolt", "baskets": 1}
MATCH (e:Event)-[:ON]->(:Product)-[:MADE_BY]->(b:Brand)
WHERE e.behaviour = 'purchase' AND e.basket IS NOT NULL
WITH e.basket AS basket, collect(DISTINCT b.id) AS brands WHERE size(brands) > 1
UNWIND brands AS brand
UNWIND brands AS other
WITH brand, other, basket WHERE brand < other
RETURN brand, other, count(*) AS baskets
ORDER BY baskets DESC, brand, other LIMIT $limit
