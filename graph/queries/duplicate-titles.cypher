// title: Products of the same title
// question: Which products have the same title but for capitals and spaces around it?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"title": "mug", "products": ["mug", "mug2"]}
MATCH (p:Product)
WHERE p.title IS NOT NULL
WITH p ORDER BY p.id
WITH toLower(trim(p.title)) AS title, collect(p.id) AS products
WHERE size(products) > 1
RETURN title, products
ORDER BY size(products) DESC, title LIMIT $limit
