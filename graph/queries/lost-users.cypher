// title: People who were lost
// question: Who bought several times and has not been seen for days?
// parameter: days whole = 90 -- for how long nothing was seen of them
// parameter: times whole = 3 -- the fewest different times of buying
// parameter: limit whole = 100 -- the most rows
// example: {"days": 60, "times": 2}
// row: {"user": "fay", "times": 2, "last_seen": "2024-02-10"}
MATCH (s:Shop {id: 'shop'})
WITH timestamp() + coalesce(s.clock_offset, 0) - $days * 86400000 AS start
MATCH (u:User)-[:PERFORMED]->(e:Event)
WITH u, start, max(e.time) AS last,
  count(DISTINCT CASE WHEN e.behaviour = 'purchase' THEN e.time ELSE null END) AS times
WHERE last < start AND times >= $times
RETURN u.id AS user, times, toString(date(datetime({epochMillis: last}))) AS last_seen
ORDER BY times DESC, last DESC, user LIMIT $limit
