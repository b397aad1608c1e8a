// title: Communities of products
// question: Which products are at home together, by what the last analysis joined them, and which categories are these?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"community": 1, "products": 3, "categories": 1, "first_categories": ["garden"], "most_central": ["seeds", "spade", "gloves"]}
// row: {"community": 2, "products": 3, "categories": 1, "first_categories": ["kitchen"], "most_central": ["tea", "pot", "mug"]}
MATCH (s:Shop {id: 'shop'})
MATCH (p:Product)
WHERE p.analysis_run = s.analysis_run
OPTIONAL MATCH (p)-[:IN_CATEGORY]->(c:Category)
WITH p, min(c.id) AS category
WITH p.analysis_community AS community, p, category
ORDER BY p.analysis_pagerank DESC, p.id
WITH community, count(p) AS products, collect(DISTINCT category) AS categories, collect(p.id)[..3] AS most_central
RETURN community, products, size(categories) AS categories, categories[..3] AS first_categories, most_central
ORDER BY products DESC, community LIMIT $limit
