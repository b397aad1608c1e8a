// title: Categories that people come back to
// question: What share of a category's buyers bought in it at more than one time?
// parameter: buyers whole = 10 -- the fewest buyers that a category must have
// parameter: limit whole = 20 -- the most rows
// example: {"buyers": 2}
// row: {"category": "garden", "name": "Garden", "buyers": 3, "again": 2, "percent": 66.7}
// row: {"category": "kitchen", "name": "Kitchen", "buyers": 9, "again": 4, "percent": 44.4}
MATCH (c:Category)
CALL (c) {
  MATCH (c)<-[:IN_CATEGORY]-(:Product)<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
  WHERE e.behaviour = 'purchase'
  WITH u, min(e.time) AS first, max(e.time) AS last
  RETURN count(*) AS buyers, sum(CASE WHEN first < last THEN 1 ELSE 0 END) AS again
}
WITH c, buyers, again WHERE buyers >= $buyers AND buyers > 0
RETURN c.id AS category, c.name AS name, buyers, again, round(100.0 * again / buyers, 1) AS percent
ORDER BY percent DESC, category LIMIT $limit
