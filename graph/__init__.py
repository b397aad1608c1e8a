"""The store: one graph over Bolt, on Neo4j or the embedded engine."""
