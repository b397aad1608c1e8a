// title: Reach of a campaign
// question: How many people bought in a category in the last days, and what share of all buyers of these days is that?
// parameter: category text -- id of the category; what is below it counts as well
// parameter: days whole = 90 -- how far to look back
// example: {"category": "garden", "days": 30}
// row: {"people": 3, "purchases": 5, "all_buyers": 4, "percent": 75.0}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.behaviour = 'purchase' AND e.time >= start
WITH start, count(DISTINCT u) AS everybody
MATCH (:Category {id: $category})<-[:CHILD_OF*0..]-(c:Category)
WITH DISTINCT start, everybody, c
MATCH (c)<-[:IN_CATEGORY]-(:Product)<-[:ON]-(e:Event)<-[:PERFORMED]-(u:User)
WHERE e.behaviour = 'purchase' AND e.time >= start
WITH everybody, count(DISTINCT u) AS people, count(DISTINCT e) AS purchases
RETURN people, purchases, everybody AS all_buyers, round(100.0 * people / everybody, 1) AS percent
