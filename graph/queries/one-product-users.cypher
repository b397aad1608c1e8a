// title: People with one product only
// question: Who comes back to one and the same product over and over, and for little else?
// parameter: events whole = 20 -- the fewest events on the product
// parameter: percent number = 80 -- the smallest share of all their events
// parameter: limit whole = 20 -- the most rows
// example: {"events": 5}
// row: {"user": "rob", "product": "kettle", "events": 9, "percent": 100.0}
MATCH (u:User)
CALL (u) {
  MATCH (u)-[:PERFORMED]->(:Event)-[:ON]->(p:Product)
  WITH p, count(*) AS events
  RETURN max(events) AS most, sum(events) AS all
}
WITH u, most, all WHERE most >= $events AND 100.0 * most / all >= $percent
MATCH (u)-[:PERFORMED]->(:Event)-[:ON]->(p:Product)
WITH u, most, all, p.id AS product, count(*) AS events WHERE events = most
RETURN u.id AS user, min(product) AS product, most AS events, round(100.0 * most / all, 1) AS percent
ORDER BY events DESC, user LIMIT $limit
