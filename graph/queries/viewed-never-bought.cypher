// title: Often viewed, never bought
// question: Which products are looked at or put into the cart and never bought?
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"product": "kettle", "title": "Kettle", "views": 10, "carts": 1}
// row: {"product": "mug2", "title": " mug", "views": 1, "carts": 0}
MATCH (e:Event)
WHERE e.behaviour IN ['view', 'cart']
MATCH (e)-[:ON]->(p:Product)
WITH p, sum(CASE WHEN e.behaviour = 'view' THEN 1 ELSE 0 END) AS views,
  sum(CASE WHEN e.behaviour = 'cart' THEN 1 ELSE 0 END) AS carts
WHERE NOT EXISTS { MATCH (p)<-[:ON]-(f:Event) WHERE f.behaviour = 'purchase' }
RETURN p.id AS product, p.title AS title, views, carts
ORDER BY views DESC, carts DESC, product LIMIT $limit
