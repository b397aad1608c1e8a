"""Labels of products from names or a few examples, over vectors of their texts and pictures, with confidence."""
