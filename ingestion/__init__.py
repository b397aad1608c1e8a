"""From a shop's files to clean records: reading, cleaning, quarantine, quality, embeddings, the demo shop."""
