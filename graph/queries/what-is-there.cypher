// title: What is in the graph
// question: How many products, people, relations and events of each kind does the graph hold?
// example: {}
// row: {"what": "event", "name": "cart", "number": 3}
// row: {"what": "event", "name": "purchase", "number": 27}
// row: {"what": "event", "name": "view", "number": 16}
// row: {"what": "node", "name": "Brand", "number": 4}
// row: {"what": "node", "name": "Category", "number": 4}
// row: {"what": "node", "name": "Feature", "number": 1}
// row: {"what": "node", "name": "Product", "number": 11}
// row: {"what": "node", "name": "Rule", "number": 4}
// row: {"what": "node", "name": "User", "number": 10}
// row: {"what": "relation", "name": "CHILD_OF", "number": 3}
// row: {"what": "relation", "name": "COMPLEMENTS", "number": 3}
// row: {"what": "relation", "name": "HAS_FEATURE", "number": 2}
// row: {"what": "relation", "name": "IN_CATEGORY", "number": 9}
// row: {"what": "relation", "name": "MADE_BY", "number": 8}
// row: {"what": "relation", "name": "SUBSTITUTES", "number": 1}
CALL () {
  MATCH (n:Product) RETURN 'node' AS what, 'Product' AS name, count(n) AS number
  UNION ALL MATCH (n:User) RETURN 'node' AS what, 'User' AS name, count(n) AS number
  UNION ALL MATCH (n:Category) RETURN 'node' AS what, 'Category' AS name, count(n) AS number
  UNION ALL MATCH (n:Brand) RETURN 'node' AS what, 'Brand' AS name, count(n) AS number
  UNION ALL MATCH (n:Feature) RETURN 'node' AS what, 'Feature' AS name, count(n) AS number
  UNION ALL MATCH (n:Rule) RETURN 'node' AS what, 'Rule' AS name, count(n) AS number
  UNION ALL MATCH (:Category)-[r]->() RETURN 'relation' AS what, type(r) AS name, count(r) AS number
  UNION ALL MATCH (:Product)-[r]->() RETURN 'relation' AS what, type(r) AS name, count(r) AS number
  UNION ALL MATCH (e:Event) RETURN 'event' AS what, e.behaviour AS name, count(e) AS number
}
RETURN what, name, number
ORDER BY what, name
