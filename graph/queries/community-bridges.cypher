// title: Products that join communities
// question: Which products lead into several communities (spread), and over which do the shortest ways between others go?
// parameter: limit whole = 20 -- the most rows
// example: {"limit": 4}
// row: {"product": "tea", "title": "Tea", "community": 2, "spread": 0.477, "betweenness": 0.15}
// row: {"product": "pot", "title": "Pot", "community": 2, "spread": 0.255, "betweenness": 0.15}
// row: {"product": "gloves", "title": "Gloves", "community": 1, "spread": 0.375, "betweenness": 0.0}
// row: {"product": "mug", "title": "Mug", "community": 2, "spread": 0.0, "betweenness": 0.0}
MATCH (s:Shop {id: 'shop'})
MATCH (p:Product)
WHERE p.analysis_run = s.analysis_run
RETURN p.id AS product, p.title AS title, p.analysis_community AS community,
  round(p.analysis_spread, 3) AS spread, round(p.analysis_betweenness, 4) AS betweenness
ORDER BY p.analysis_betweenness * p.analysis_spread DESC, product LIMIT $limit
