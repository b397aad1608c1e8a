// title: Categories that lose customers
// question: Which categories had fewer buyers in the last days than in as many days before?
// parameter: days whole = 90 -- length of each of the two periods
// parameter: limit whole = 20 -- the most rows
// example: {"days": 30}
// row: {"category": "kitchen", "name": "Kitchen", "buyers_before": 5, "buyers_now": 3, "percent": -40.0}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) AS now
WITH now, now - $days * 86400000 AS middle, now - 2 * $days * 86400000 AS start
MATCH (c:Category)
CALL (c, start, middle, now) {
  MATCH (c)<-[:IN_CATEGORY]-(:Product)<-[:ON]-(e:Event)
  WHERE e.behaviour = 'purchase' AND e.time >= start AND e.time < now
  MATCH (e)<-[:PERFORMED]-(u:User)
  WITH u, middle, min(e.time) AS first, max(e.time) AS last
  RETURN sum(CASE WHEN first < middle THEN 1 ELSE 0 END) AS buyers_before,
    sum(CASE WHEN last >= middle THEN 1 ELSE 0 END) AS buyers_now
}
WITH c, buyers_before, buyers_now WHERE buyers_now < buyers_before
RETURN c.id AS category, c.name AS name, buyers_before, buyers_now,
  round(100.0 * (buyers_now - buyers_before) / buyers_before, 1) AS percent
ORDER BY buyers_now - buyers_before, category LIMIT $limit
