"""Encoders turn words and pictures into vectors, the node features of the graph.

This package itself needs no torch: the cache and the rules of what describes a node work without it. Only
`ingestion.encoders.text` and `ingestion.encoders.vision`, which run models, import torch and transformers.
"""

from ingestion.encoders.cache import CacheError, EmbeddingCache, Encoder, content_hash, encode_cached
from ingestion.encoders.gallery import Hung, Named, encode_gallery
from ingestion.encoders.picture_source import PictureSource, shop_pictures
from ingestion.encoders.wording import first_named, joined, texts_of

__all__ = [
    "CacheError",
    "EmbeddingCache",
    "Encoder",
    "Hung",
    "Named",
    "PictureSource",
    "content_hash",
    "encode_cached",
    "encode_gallery",
    "first_named",
    "joined",
    "shop_pictures",
    "texts_of",
]
