// title: Labels to judge
// question: Of which predicted categories, brands and other labels is the model least sure?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"product": "mug2", "title": " mug", "relation": "HAS_FEATURE", "label": "blue", "confidence": 0.4}
// row: {"product": "mug", "title": "Mug", "relation": "HAS_FEATURE", "label": "blue", "confidence": 0.9}
MATCH (p:Product)-[r]->(n)
WHERE r.source = 'predicted'
RETURN p.id AS product, p.title AS title, type(r) AS relation, n.id AS label, round(r.confidence, 3) AS confidence
ORDER BY confidence, product, label LIMIT $limit
