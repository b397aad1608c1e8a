// title: Central products of a category
// question: Which products of a category are the most central of the shop (PageRank, 1 is a product's share on average)?
// parameter: category text -- id of the category; what is below it counts as well
// parameter: limit whole = 20 -- the most rows
// example: {"category": "kitchen", "limit": 3}
// row: {"product": "tea", "title": "Tea", "community": 2, "pagerank": 1.97}
// row: {"product": "pot", "title": "Pot", "community": 2, "pagerank": 1.41}
// row: {"product": "mug", "title": "Mug", "community": 2, "pagerank": 0.63}
MATCH (s:Shop {id: 'shop'})
MATCH (:Category {id: $category})<-[:CHILD_OF*0..]-(c:Category)
WITH DISTINCT s, c
MATCH (c)<-[:IN_CATEGORY]-(p:Product)
WHERE p.analysis_run = s.analysis_run
WITH DISTINCT s, p
RETURN p.id AS product, p.title AS title, p.analysis_community AS community,
  round(p.analysis_pagerank * s.analysis_products, 2) AS pagerank
ORDER BY p.analysis_pagerank DESC, product LIMIT $limit
