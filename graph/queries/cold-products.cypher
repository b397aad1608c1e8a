// title: Cold products
// question: Which products that can be bought have hardly any events?
// parameter: events whole = 5 -- fewer events than this are hardly any
// parameter: limit whole = 100 -- the most rows
// example: {"events": 3}
// row: {"product": "hat", "title": "Hat", "events": 0}
// row: {"product": "jug", "title": "Jug", "events": 0}
// row: {"product": "lamp", "title": "Lamp", "events": 0}
// row: {"product": "mug2", "title": " mug", "events": 1}
// row: {"product": "gloves", "title": "Gloves", "events": 2}
MATCH (p:Product)
WHERE coalesce(p.available, true)
OPTIONAL MATCH (p)<-[:ON]-(e:Event)
WITH p, count(e) AS events WHERE events < $events
RETURN p.id AS product, p.title AS title, events
ORDER BY events, product LIMIT $limit
