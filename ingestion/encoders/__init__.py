"""Encoders turn words (and later pictures) into vectors, the node features of the graph.

This package itself needs no torch: the cache and the rule of which words describe a node work without
it. Only `ingestion.encoders.text`, which runs a model, imports torch and transformers.
"""

from ingestion.encoders.cache import CacheError, EmbeddingCache, Encoder, encode_cached
from ingestion.encoders.wording import joined, texts_of

__all__ = ["CacheError", "EmbeddingCache", "Encoder", "encode_cached", "joined", "texts_of"]
