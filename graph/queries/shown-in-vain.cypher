// title: Shown in vain
// question: Which products were recommended often without anybody following a recommendation to them?
// parameter: times whole = 10 -- the fewest times that a product was shown
// parameter: limit whole = 20 -- the most rows
// example: {"times": 2}
// row: {"product": "jug", "title": "Jug", "times": 2}
MATCH (i:Impression)
UNWIND i.products AS product
WITH product, count(*) AS times WHERE times >= $times
MATCH (p:Product {id: product})
WHERE NOT EXISTS { MATCH (p)<-[:ON]-(e:Event) WHERE e.recommendation IS NOT NULL }
RETURN p.id AS product, p.title AS title, times
ORDER BY times DESC, product LIMIT $limit
