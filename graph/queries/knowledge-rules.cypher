// title: Rules of knowledge
// question: Which rules of knowledge are at work, drafted or undone, who wrote them, and how many links stand by each?
// example: {}
// row: {"rule": "holder", "kind": "RELATE", "status": "APPLIED", "relation": "COMPLEMENTS", "author": "mia", "links": 1}
MATCH (r:Rule)
WHERE r.status IS NOT NULL
RETURN r.id AS rule, r.kind AS kind, r.status AS status, r.relation AS relation, r.author AS author, r.links AS links
ORDER BY rule
