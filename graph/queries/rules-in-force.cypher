// title: Rules in force
// question: Which business rules hold now, who wrote them, and how many products does each reach?
// example: {}
// row: {"rule": "boost", "kind": "BOOST", "author": "mia", "note": null, "products": 9}
// row: {"rule": "pin", "kind": "PIN", "author": "mia", "note": "summer", "products": 1}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) AS now
MATCH (r:Rule)
WHERE r.status IS NULL AND coalesce(r.start, now) <= now AND coalesce(r.end, now + 1) > now
OPTIONAL MATCH (r)-[:APPLIES_TO]->(one:Product)
WITH r, collect(DISTINCT one.id) AS named
OPTIONAL MATCH (r)-[:APPLIES_TO]->(:Category)<-[:CHILD_OF*0..]-(:Category)<-[:IN_CATEGORY]-(p:Product)
WITH r, named, collect(DISTINCT p.id) AS by_category
OPTIONAL MATCH (r)-[:APPLIES_TO]->(:Brand)<-[:MADE_BY]-(q:Product)
WITH r, named + by_category AS reached, collect(DISTINCT q.id) AS by_brand
UNWIND reached + by_brand + [null] AS product
RETURN r.id AS rule, r.kind AS kind, r.author AS author, r.note AS note, count(DISTINCT product) AS products
ORDER BY rule
