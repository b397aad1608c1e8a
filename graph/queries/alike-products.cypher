// title: Products in the same company
// question: Which products are joined to the same others as a product, and are they in its community?
// parameter: product text -- id of the product
// example: {"product": "pot"}
// row: {"product": "tea", "title": "Tea", "percent": 66.7, "same_community": true}
// row: {"product": "gloves", "title": "Gloves", "percent": 50.0, "same_community": false}
// row: {"product": "seeds", "title": "Seeds", "percent": 50.0, "same_community": false}
// row: {"product": "spade", "title": "Spade", "percent": 50.0, "same_community": false}
// row: {"product": "mug", "title": "Mug", "percent": 16.7, "same_community": true}
MATCH (s:Shop {id: 'shop'})
MATCH (p:Product {id: $product})
WHERE p.analysis_run = s.analysis_run
UNWIND range(0, size(p.analysis_similar) - 1) AS place
WITH p, place, p.analysis_similar[place] AS id, p.analysis_likeness[place] AS likeness
MATCH (q:Product {id: id})
RETURN q.id AS product, q.title AS title, round(100.0 * likeness, 1) AS percent,
  q.analysis_community = p.analysis_community AS same_community
ORDER BY place
