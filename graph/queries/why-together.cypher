// title: Why two products sell together
// question: What do two products share: baskets, visits, shoppers, categories, brands, features, a relation of their own?
// parameter: product text -- id of the one
// parameter: other text -- id of the other
// example: {"product": "tea", "other": "pot"}
// row: {"reason": "bought by the same shopper", "strength": 5}
// row: {"reason": "in the same basket", "strength": 4}
// row: {"reason": "COMPLEMENTS", "strength": 1}
// row: {"reason": "in the same category", "strength": 1}
// row: {"reason": "in the same visit", "strength": 1}
CALL () {
  UNWIND [$product, $other] AS id
  MATCH (p:Product {id: id})<-[:ON]-(e:Event)
  WHERE e.behaviour = 'purchase' AND e.basket IS NOT NULL
  WITH e.basket AS basket, count(DISTINCT p) AS sides WHERE sides = 2
  RETURN 'in the same basket' AS reason, count(*) AS strength
  UNION ALL
  UNWIND [$product, $other] AS id
  MATCH (p:Product {id: id})<-[:ON]-(e:Event)
  WHERE e.session IS NOT NULL
  WITH e.session AS visit, count(DISTINCT p) AS sides WHERE sides = 2
  RETURN 'in the same visit' AS reason, count(*) AS strength
  UNION ALL
  UNWIND [$product, $other] AS id
  MATCH (p:Product {id: id})<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
  WHERE e.behaviour = 'purchase'
  WITH u, count(DISTINCT p) AS sides WHERE sides = 2
  RETURN 'bought by the same shopper' AS reason, count(*) AS strength
  UNION ALL
  MATCH (:Product {id: $product})-[:IN_CATEGORY]->(c:Category)<-[:IN_CATEGORY]-(:Product {id: $other})
  RETURN 'in the same category' AS reason, count(DISTINCT c) AS strength
  UNION ALL
  MATCH (:Product {id: $product})-[:MADE_BY]->(b:Brand)<-[:MADE_BY]-(:Product {id: $other})
  RETURN 'of the same brand' AS reason, count(DISTINCT b) AS strength
  UNION ALL
  MATCH (:Product {id: $product})-[:HAS_FEATURE]->(f:Feature)<-[:HAS_FEATURE]-(:Product {id: $other})
  RETURN 'with the same feature' AS reason, count(DISTINCT f) AS strength
  UNION ALL
  MATCH (:Product {id: $product})-[r]-(:Product {id: $other})
  RETURN type(r) AS reason, count(*) AS strength
}
WITH reason, strength WHERE strength > 0
RETURN reason, strength
ORDER BY strength DESC, reason
