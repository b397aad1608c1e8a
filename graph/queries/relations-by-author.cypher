// title: Who said what is related
// question: How many relations do products have of each kind, and who or what said so: the shop, a model, a rule of whom?
// example: {}
// row: {"relation": "COMPLEMENTS", "source": "rule", "rule": "holder", "author": "mia", "relations": 1}
// row: {"relation": "COMPLEMENTS", "source": "shop", "rule": null, "author": null, "relations": 2}
// row: {"relation": "HAS_FEATURE", "source": "predicted", "rule": null, "author": null, "relations": 2}
// row: {"relation": "IN_CATEGORY", "source": "shop", "rule": null, "author": null, "relations": 9}
// row: {"relation": "MADE_BY", "source": "shop", "rule": null, "author": null, "relations": 8}
// row: {"relation": "SUBSTITUTES", "source": "shop", "rule": null, "author": null, "relations": 1}
MATCH (:Product)-[r]->()
WITH type(r) AS relation, r.rule AS rule, count(*) AS relations,
  coalesce(r.source, CASE WHEN r.rule IS NULL THEN 'shop' ELSE 'rule' END) AS source
OPTIONAL MATCH (k:Rule {id: rule})
RETURN relation, source, rule, k.author AS author, relations
ORDER BY relation, source, rule
