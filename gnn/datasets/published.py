"""Figures that others report for the same splits, by the name of the data set's folder.

Documentation to compare with; nothing is computed from it. Fractions, not per cent.
"""

from collections.abc import Mapping, Sequence

from gnn.tasks import Published


def _recall_ndcg(rows: Mapping[str, tuple[float, float]]) -> tuple[Published, ...]:
    return tuple(Published(model, {"recall@20": recall, "ndcg@20": ndcg}) for model, (recall, ndcg) in rows.items())


def _hits_ndcg(rows: Mapping[str, tuple[float, float]]) -> tuple[Published, ...]:
    return tuple(Published(model, {"hit_rate@5": hits, "ndcg@5": ndcg}) for model, (hits, ndcg) in rows.items())


def _auc(rows: Mapping[str, float]) -> tuple[Published, ...]:
    return tuple(Published(model, {"auc": auc}) for model, auc in rows.items())


PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "gowalla": (
        Published("popularity", {"recall@20": 0.0406}),
        *_recall_ndcg(
            {
                "LightGCN": (0.1830, 0.1554),
                "GF-CF": (0.1849, 0.1518),
                "UltraGCN": (0.1862, 0.1580),
                "SimpleX": (0.1872, 0.1557),
                "BSPM-EM": (0.1920, 0.1597),
                "NESCL": (0.1917, 0.1617),
            }
        ),
    ),
    "yelp2018": _recall_ndcg(
        {
            "LightGCN": (0.0649, 0.0530),
            "UltraGCN": (0.0683, 0.0561),
            "SimpleX": (0.0701, 0.0575),
            "BSPM-EM": (0.0720, 0.0593),
        }
    ),
    "amazon-book": _recall_ndcg(
        {
            "LightGCN": (0.0411, 0.0315),
            "UltraGCN": (0.0681, 0.0556),
            "SimpleX": (0.0583, 0.0468),
            "BSPM-EM": (0.0733, 0.0609),
        }
    ),
    "amazon_beauty": (
        Published("PGPR", {"ndcg@10": 0.05449, "recall@10": 0.08324, "hit_rate@10": 0.14401, "precision@10": 0.01707}),
    ),
    "amazon_grocery": _hits_ndcg(
        {"LightGCN": (0.3705, 0.2564), "DirectAU": (0.3911, 0.2779), "ContraKDA": (0.5282, 0.3992)}
    ),
    "mcclk_book": _auc({"KGIN": 0.7273, "MCCLK": 0.7625, "popularity of train positives": 0.7508}),
}


def published(name: str) -> Sequence[Published]:
    """Figures for a data set; none where its name is not known here."""
    return PUBLISHED.get(name, ())
