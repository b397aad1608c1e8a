// title: People with one product only
// question: Who comes back to one and the same product over and over, and for little else?
// parameter: events whole = 20 -- the fewest events on the product
// parameter: percent number = 80 -- the smallest share of all their events
// parameter: limit whole = 20 -- the most rows
// example: {"events": 5}
// row: {"user": "rob", "product": "kettle", "events": 9, "percent": 100.0}
MATCH (u:User)-[:PERFORMED]->(e:Event)
WITH u, count(e) AS all WHERE all >= $events
MATCH (u)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
WITH u, all, p, count(e) AS events
WHERE events >= $events AND 100.0 * events / all >= $percent
RETURN u.id AS user, p.id AS product, events, round(100.0 * events / all, 1) AS percent
ORDER BY events DESC, user LIMIT $limit
