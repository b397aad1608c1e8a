"""Answers made smaller for whoever can read them so: with gzip, which every browser and client knows."""

import gzip

WORTH = 1_000
"""Bytes from which on it saves a packet."""


def accepts_gzip(accepted: str) -> bool:
    """Whether a client takes gzip, by its Accept-Encoding; `gzip;q=0` says that it does not."""
    offers = [offer.replace(" ", "").lower().split(";q=") for offer in accepted.split(",")]
    weights = {name: weight for name, *weight in offers}
    weight = weights.get("gzip", weights.get("*", ["0"]))
    return weight == [] or weight[0].strip("0.") != ""


def packed(content: bytes, level: int) -> bytes:
    """Some content in gzip, the same bytes each time; `level` is 1, the quickest, to 9, the smallest."""
    return gzip.compress(content, level, mtime=0)
