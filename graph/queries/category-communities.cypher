// title: Communities in a category
// question: Over which communities of the last analysis are the products of a category spread?
// parameter: category text -- id of the category; what is below it counts as well
// parameter: limit whole = 20 -- the most rows
// example: {"category": "home"}
// row: {"community": 1, "products": 3, "most_central": ["seeds", "spade", "gloves"]}
// row: {"community": 2, "products": 3, "most_central": ["tea", "pot", "mug"]}
MATCH (s:Shop {id: 'shop'})
MATCH (:Category {id: $category})<-[:CHILD_OF*0..]-(c:Category)
WITH DISTINCT s, c
MATCH (c)<-[:IN_CATEGORY]-(p:Product)
WHERE p.analysis_run = s.analysis_run
WITH DISTINCT p ORDER BY p.analysis_pagerank DESC, p.id
WITH p.analysis_community AS community, count(p) AS products, collect(p.id)[..3] AS most_central
RETURN community, products, most_central
ORDER BY products DESC, community LIMIT $limit
