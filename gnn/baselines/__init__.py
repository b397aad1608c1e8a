"""What a model has to beat: the same question answered by simple, well-tuned means."""
