// title: What viewers do not want
// question: Which products and categories do most viewers say no to, and in which words?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"what": "Product", "id": "kettle", "name": "Kettle", "kind": "NOT_INTERESTED", "times": 2}
// row: {"what": "Category", "id": "garden", "name": "Garden", "kind": "NEVER_THIS_CATEGORY", "times": 1}
MATCH (f:Feedback)-[:ABOUT]->(n)
RETURN labels(n)[0] AS what, n.id AS id, coalesce(n.title, n.name) AS name, f.kind AS kind, count(*) AS times
ORDER BY times DESC, what, id, kind LIMIT $limit
