// title: Products that people buy again
// question: What share of a product's buyers bought it at more than one time?
// parameter: buyers whole = 10 -- the fewest buyers that a product must have
// parameter: limit whole = 20 -- the most rows
// example: {"buyers": 2, "limit": 3}
// row: {"product": "seeds", "title": "Seeds", "buyers": 2, "again": 1, "percent": 50.0}
// row: {"product": "spade", "title": "Spade", "buyers": 2, "again": 1, "percent": 50.0}
// row: {"product": "tea", "title": "Tea", "buyers": 8, "again": 2, "percent": 25.0}
MATCH (p:Product)
CALL (p) {
  MATCH (p)<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
  WHERE e.behaviour = 'purchase'
  WITH u, min(e.time) AS first, max(e.time) AS last
  RETURN count(*) AS buyers, sum(CASE WHEN first < last THEN 1 ELSE 0 END) AS again
}
WITH p, buyers, again WHERE buyers >= $buyers AND buyers > 0
RETURN p.id AS product, p.title AS title, buyers, again, round(100.0 * again / buyers, 1) AS percent
ORDER BY percent DESC, product LIMIT $limit
