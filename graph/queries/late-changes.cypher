// title: What changed of late
// question: What was written into the catalogue, deleted or ruled in the last days, newest first?
// parameter: days whole = 7 -- how far to look back, by the wall clock
// parameter: limit whole = 50 -- the most rows
// example: {"limit": 2}
// row: {"kind": "PRODUCTS_WRITTEN", "keys": 2, "first_keys": ["kettle", "mug"], "hours_ago": 0}
// row: {"kind": "KNOWLEDGE_WRITTEN", "keys": 1, "first_keys": ["holder"], "hours_ago": 0}
MATCH (c:Change)
WHERE c.time >= timestamp() - $days * 86400000
RETURN c.kind AS kind, size(c.keys) AS keys, c.keys[..3] AS first_keys,
  (timestamp() - c.time) / 3600000 AS hours_ago
ORDER BY c.number DESC LIMIT $limit
