// title: Categories that share buyers
// question: In which other categories do the buyers of a category buy as well, and what share of them?
// parameter: category text -- id of the category
// parameter: limit whole = 20 -- the most rows
// example: {"category": "kitchen"}
// row: {"category": "garden", "name": "Garden", "buyers_of_both": 3, "percent": 33.3}
MATCH (:Category {id: $category})<-[:IN_CATEGORY]-(:Product)<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
WHERE e.behaviour = 'purchase'
WITH collect(DISTINCT u) AS buyers
UNWIND buyers AS u
MATCH (u)-[:PERFORMED]->(f:Event)-[:ON]->(:Product)-[:IN_CATEGORY]->(c:Category)
WHERE f.behaviour = 'purchase' AND c.id <> $category
WITH c, size(buyers) AS of, count(DISTINCT u) AS both
RETURN c.id AS category, c.name AS name, both AS buyers_of_both, round(100.0 * both / of, 1) AS percent
ORDER BY buyers_of_both DESC, category LIMIT $limit
