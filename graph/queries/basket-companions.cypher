// title: What lies in the same basket
// question: Which products are bought in one basket with a product, and in what share of its baskets?
// parameter: product text -- id of the product
// parameter: limit whole = 20 -- the most rows
// example: {"product": "tea", "limit": 3}
// row: {"product": "pot", "title": "Pot", "baskets": 4, "percent": 40.0}
// row: {"product": "spade", "title": "Spade", "baskets": 2, "percent": 20.0}
// row: {"product": "gloves", "title": "Gloves", "baskets": 1, "percent": 10.0}
MATCH (:Product {id: $product})<-[:ON]-(e:Event)
WHERE e.behaviour = 'purchase' AND e.basket IS NOT NULL
WITH collect(DISTINCT e.basket) AS baskets
UNWIND baskets AS basket
MATCH (f:Event {basket: basket})-[:ON]->(q:Product)
WHERE f.behaviour = 'purchase' AND q.id <> $product
WITH q, size(baskets) AS of, count(DISTINCT basket) AS together
RETURN q.id AS product, q.title AS title, together AS baskets, round(100.0 * together / of, 1) AS percent
ORDER BY baskets DESC, product LIMIT $limit
