// title: Sizes of baskets
// question: How many baskets hold how many different products?
// parameter: limit whole = 50 -- the most rows
// example: {}
// row: {"products": 1, "baskets": 5}
// row: {"products": 2, "baskets": 8}
// row: {"products": 3, "baskets": 2}
MATCH (e:Event)-[:ON]->(p:Product)
WHERE e.behaviour = 'purchase' AND e.basket IS NOT NULL
WITH e.basket AS basket, count(DISTINCT p) AS products
WITH products, count(*) AS baskets
RETURN products, baskets
ORDER BY products LIMIT $limit
