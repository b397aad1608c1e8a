// title: Products with something missing
// question: Which products lack a category, picture, price, description or title?
// parameter: limit whole = 100 -- the most rows
// example: {"limit": 4}
// row: {"product": "lamp", "title": "Lamp", "missing": ["category", "picture", "price", "description"]}
// row: {"product": "hat", "title": "Hat", "missing": ["category", "picture"]}
// row: {"product": "gloves", "title": "Gloves", "missing": ["description"]}
MATCH (p:Product)
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(c:Category)
WITH p, count(c) AS categories
WITH p, [x IN [
  CASE WHEN categories = 0 THEN 'category' ELSE '' END,
  CASE WHEN coalesce(p.image, '') = '' THEN 'picture' ELSE '' END,
  CASE WHEN p.price IS NULL OR p.price <= 0 THEN 'price' ELSE '' END,
  CASE WHEN coalesce(p.description, '') = '' THEN 'description' ELSE '' END,
  CASE WHEN coalesce(p.title, '') = '' THEN 'title' ELSE '' END
] WHERE x <> ''] AS missing
WHERE size(missing) > 0
RETURN p.id AS product, p.title AS title, missing
ORDER BY size(missing) DESC, product LIMIT $limit
