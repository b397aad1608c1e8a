"""Live states of models without a store."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
from random_model import NOW
from small_shop import START

from api.services.catalogue import CategoryTree, Shelf
from api.services.directory import Directory
from api.services.live import LiveState
from api.services.rules import Rules
from gnn.artifact import describe
from gnn.live_links import Built
from gnn.scoring import Scorer


def state_of(scorer: Scorer) -> LiveState:
    """A model over a shop that offers all of it, without prices, categories and rules."""
    shelf = Shelf(np.ones(scorer.size, bool), np.full(scorer.size, np.nan))
    manifest = describe(scorer, created_at=START, as_of=NOW, change_number=0, fit={})
    return LiveState(
        manifest=manifest,
        built=Built.of(scorer),
        scorer=scorer,
        change=0,
        shelf=shelf,
        directory=Directory.of(scorer.ontology, scorer.product_ids, pa.table({"id": pa.array([], pa.string())})),
        categories=CategoryTree({}),
        clock=timedelta(),
        index=None,
        happened=None,  # type: ignore[arg-type]
        rules=Rules(),
    )
