// title: Thin categories
// question: Which categories hold hardly any products, what is below them counted in?
// parameter: products whole = 3 -- fewer products than this are hardly any
// parameter: limit whole = 100 -- the most rows
// example: {"products": 2}
// row: {"category": "attic", "name": "Attic", "products": 0}
MATCH (c:Category)
OPTIONAL MATCH (c)<-[:CHILD_OF*0..]-(:Category)<-[:IN_CATEGORY]-(p:Product)
WITH c, count(DISTINCT p) AS products WHERE products < $products
RETURN c.id AS category, c.name AS name, products
ORDER BY products, category LIMIT $limit
