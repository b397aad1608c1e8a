// title: Audience of a campaign
// question: Who bought in a category in the last days, most purchases first?
// parameter: category text -- id of the category; what is below it counts as well
// parameter: days whole = 90 -- how far to look back
// parameter: limit whole = 100 -- the most rows
// example: {"category": "garden", "days": 30}
// row: {"user": "bob", "purchases": 2, "products": 2, "last": "2024-06-14"}
// row: {"user": "dot", "purchases": 2, "products": 2, "last": "2024-06-24"}
// row: {"user": "eve", "purchases": 1, "products": 1, "last": "2024-06-21"}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (:Category {id: $category})<-[:CHILD_OF*0..]-(c:Category)
WITH DISTINCT start, c
MATCH (c)<-[:IN_CATEGORY]-(p:Product)<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
WHERE e.behaviour = 'purchase' AND e.time >= start
RETURN u.id AS user, count(DISTINCT e) AS purchases, count(DISTINCT p) AS products,
  toString(date(datetime({epochMillis: max(e.time)}))) AS last
ORDER BY purchases DESC, user LIMIT $limit
