"""The model: from a snapshot to an artifact, from an artifact to scores and their exact explanations."""
