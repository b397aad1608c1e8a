// title: Paths between two products
// question: By which shortest ways of at most four steps does the catalogue lead from one product to another?
// parameter: product text -- id of the one
// parameter: other text -- id of the other
// parameter: limit whole = 20 -- the most rows
// example: {"product": "tea", "other": "spade"}
// row: {"nodes": ["tea", "kitchen", "home", "garden", "spade"], "relations": ["IN_CATEGORY", "CHILD_OF", "CHILD_OF", "IN_CATEGORY"], "steps": 4}
// row: {"nodes": ["tea", "kitchen", "kettle", "bolt", "spade"], "relations": ["IN_CATEGORY", "IN_CATEGORY", "MADE_BY", "MADE_BY"], "steps": 4}
// row: {"nodes": ["tea", "kitchen", "mug2", "bolt", "spade"], "relations": ["IN_CATEGORY", "IN_CATEGORY", "MADE_BY", "MADE_BY"], "steps": 4}
// row: {"nodes": ["tea", "leaf", "seeds", "garden", "spade"], "relations": ["MADE_BY", "MADE_BY", "IN_CATEGORY", "IN_CATEGORY"], "steps": 4}
MATCH (a:Product {id: $product}), (b:Product {id: $other})
WHERE a.id <> b.id
MATCH way = allShortestPaths(
  (a)-[:CHILD_OF|IN_CATEGORY|MADE_BY|HAS_FEATURE|BOUGHT_TOGETHER|COMPLEMENTS|SUBSTITUTES*..4]-(b)
)
WITH [n IN nodes(way) | n.id] AS nodes, [r IN relationships(way) | type(r)] AS relations
RETURN nodes, relations, size(relations) AS steps
ORDER BY steps, nodes[1], nodes[2], nodes[3] LIMIT $limit
