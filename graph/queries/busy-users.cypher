// title: People who act too fast
// question: Who had very many events within one minute, as a robot has?
// parameter: events whole = 30 -- the fewest events of a minute
// parameter: limit whole = 20 -- the most rows
// example: {"events": 5}
// row: {"user": "rob", "most_in_a_minute": 8, "such_minutes": 1}
MATCH (u:User)-[:PERFORMED]->(e:Event)
WITH u, e.time / 60000 AS minute, count(*) AS events
WHERE events >= $events
WITH u, max(events) AS most, count(*) AS minutes
RETURN u.id AS user, most AS most_in_a_minute, minutes AS such_minutes
ORDER BY most_in_a_minute DESC, user LIMIT $limit
