// title: What a country buys more than others
// question: Which products have a larger share of buyers in one country than elsewhere?
// parameter: country text -- as it stands at the users
// parameter: buyers whole = 5 -- the fewest buyers in the country
// parameter: limit whole = 20 -- the most rows
// example: {"country": "DE", "buyers": 2, "limit": 3}
// row: {"product": "pot", "title": "Pot", "buyers": 3, "percent_here": 100.0, "percent_elsewhere": 28.6}
// row: {"product": "tea", "title": "Tea", "buyers": 3, "percent_here": 100.0, "percent_elsewhere": 71.4}
MATCH (u:User)
WITH sum(CASE WHEN u.country = $country THEN 1 ELSE 0 END) AS here, count(u) AS everywhere
MATCH (u:User)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product)
WHERE e.behaviour = 'purchase'
WITH here, everywhere, p, count(DISTINCT u) AS all,
  count(DISTINCT CASE WHEN u.country = $country THEN u ELSE null END) AS own
WHERE own >= $buyers
WITH p, own, 100.0 * own / here AS percent_here,
  CASE WHEN everywhere = here THEN 0.0 ELSE 100.0 * (all - own) / (everywhere - here) END AS percent_elsewhere
WHERE percent_here > percent_elsewhere
RETURN p.id AS product, p.title AS title, own AS buyers, round(percent_here, 1) AS percent_here,
  round(percent_elsewhere, 1) AS percent_elsewhere
ORDER BY percent_here - percent_elsewhere DESC, product LIMIT $limit
