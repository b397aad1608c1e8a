// title: What is in the graph
// question: How many nodes, relations and events of each kind does the graph hold?
// example: {}
// row: {"what": "behaviour", "name": "cart", "number": 3}
// row: {"what": "behaviour", "name": "purchase", "number": 27}
// row: {"what": "behaviour", "name": "view", "number": 16}
// row: {"what": "node", "name": "Brand", "number": 4}
// row: {"what": "node", "name": "Category", "number": 4}
// row: {"what": "node", "name": "Event", "number": 46}
// row: {"what": "node", "name": "Feature", "number": 1}
// row: {"what": "node", "name": "Feedback", "number": 3}
// row: {"what": "node", "name": "Impression", "number": 2}
// row: {"what": "node", "name": "Product", "number": 11}
// row: {"what": "node", "name": "Rule", "number": 3}
// row: {"what": "node", "name": "User", "number": 10}
// row: {"what": "relation", "name": "ABOUT", "number": 3}
// row: {"what": "relation", "name": "APPLIES_TO", "number": 4}
// row: {"what": "relation", "name": "CHILD_OF", "number": 3}
// row: {"what": "relation", "name": "COMPLEMENTS", "number": 2}
// row: {"what": "relation", "name": "GAVE", "number": 3}
// row: {"what": "relation", "name": "HAS_FEATURE", "number": 2}
// row: {"what": "relation", "name": "IN_CATEGORY", "number": 9}
// row: {"what": "relation", "name": "MADE_BY", "number": 8}
// row: {"what": "relation", "name": "ON", "number": 46}
// row: {"what": "relation", "name": "PERFORMED", "number": 44}
// row: {"what": "relation", "name": "SUBSTITUTES", "number": 1}
// row: {"what": "relation", "name": "WAS_SHOWN", "number": 2}
CALL () {
  MATCH (n)
  UNWIND labels(n) AS name
  WITH name WHERE NOT name IN ['Change', 'Shop']
  RETURN 'node' AS what, name, count(*) AS number
  UNION ALL
  MATCH ()-[r]->()
  RETURN 'relation' AS what, type(r) AS name, count(*) AS number
  UNION ALL
  MATCH (e:Event)
  RETURN 'behaviour' AS what, e.behaviour AS name, count(*) AS number
}
RETURN what, name, number
ORDER BY what, name
