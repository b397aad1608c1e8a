"""What the demo shop is made of: its words and drawings as data, its catalogue, its shoppers."""
