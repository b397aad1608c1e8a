// title: The shop month by month
// question: How many events of each kind, and by how many people, were there in each month?
// parameter: since date = "1970-01-01" -- first day
// example: {"since": "2024-06-01"}
// row: {"month": "2024-06", "behaviour": "cart", "events": 3, "people": 2}
// row: {"month": "2024-06", "behaviour": "purchase", "events": 9, "people": 4}
// row: {"month": "2024-06", "behaviour": "view", "events": 10, "people": 2}
MATCH (u:User)-[:PERFORMED]->(e:Event)
WHERE e.time >= $since
WITH u, e.behaviour AS behaviour, e.time / 86400000 AS day, count(*) AS events
WITH u, behaviour, substring(toString(date(datetime({epochMillis: day * 86400000}))), 0, 7) AS month, events
RETURN month, behaviour, sum(events) AS events, count(DISTINCT u) AS people
ORDER BY month, behaviour
