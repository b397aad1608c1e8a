// title: Prices that stand out
// question: Which products cost many times as much, or as little, as the middle price of their category?
// parameter: factor number = 3 -- how many times the middle price
// parameter: limit whole = 20 -- the most rows
// example: {}
// row: {"category": "kitchen", "product": "kettle", "title": "Kettle", "price": 95.0, "middle_price": 11.25}
// row: {"category": "garden", "product": "seeds", "title": "Seeds", "price": 3.0, "middle_price": 12.0}
MATCH (c:Category)<-[:IN_CATEGORY]-(p:Product)
WHERE p.price > 0
WITH c, percentileCont(p.price, 0.5) AS middle
MATCH (c)<-[:IN_CATEGORY]-(p:Product)
WHERE p.price > middle * $factor OR (p.price > 0 AND p.price < middle / $factor)
WITH c, p, middle, CASE WHEN p.price > middle THEN p.price / middle ELSE middle / p.price END AS times
RETURN c.id AS category, p.id AS product, p.title AS title, p.price AS price, round(middle, 2) AS middle_price
ORDER BY times DESC, product, category LIMIT $limit
