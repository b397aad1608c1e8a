// title: Who said what is related
// question: How many relations are there of each kind, and who or what said so?
// example: {}
// row: {"relation": "APPLIES_TO", "source": "shop", "author": "", "relations": 4}
// row: {"relation": "CHILD_OF", "source": "shop", "author": "", "relations": 3}
// row: {"relation": "COMPLEMENTS", "source": "shop", "author": "", "relations": 2}
// row: {"relation": "HAS_FEATURE", "source": "predicted", "author": "", "relations": 2}
// row: {"relation": "IN_CATEGORY", "source": "shop", "author": "", "relations": 9}
// row: {"relation": "MADE_BY", "source": "shop", "author": "", "relations": 8}
// row: {"relation": "SUBSTITUTES", "source": "shop", "author": "", "relations": 1}
MATCH ()-[r]->()
WHERE NOT type(r) IN ['ON', 'PERFORMED', 'GAVE', 'ABOUT', 'WAS_SHOWN']
WITH type(r) AS relation, coalesce(r.source, 'shop') AS source, coalesce(r.author, '') AS author
RETURN relation, source, author, count(*) AS relations
ORDER BY relation, source, author
