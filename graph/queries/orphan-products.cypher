// title: Orphan products
// question: Which products have no relation and no event, so that nothing can lead to them?
// parameter: limit whole = 100 -- the most rows
// example: {}
// row: {"product": "hat", "title": "Hat"}
MATCH (p:Product)
WHERE NOT EXISTS { (p)--() }
RETURN p.id AS product, p.title AS title
ORDER BY product LIMIT $limit
