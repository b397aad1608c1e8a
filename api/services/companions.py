"""What is bought with a product, and what completes it: lists that rest on single terms of the model.

The scores are the paths of these terms and nothing else, so that the explanation of each product shows all of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from api.services.errors import NotFoundError
from api.services.interests import CATEGORY
from api.services.live import LiveState
from api.services.viewing import Audience, Unit, Viewing
from gnn.companions import companions, sharing, terms_named
from gnn.paths import BoolArray
from schema.ontology import Ontology

_SAID = "BOUGHT_TOGETHER"
_COMPLETES = "COMPLEMENT"


def bought_together(state: LiveState, product: str, as_of: datetime) -> Viewing:
    """What shares baskets with a product; where it shares none, buyers; where none either, what the shop says.

    Raises:
        NotFoundError: the model does not know the product.
    """
    return _first(state, product, as_of, _bought(state.scorer.ontology))


def complements(state: LiveState, product: str, as_of: datetime) -> Viewing:
    """What the shop says goes with a product; where it says nothing, what is bought with it from other categories.

    Raises:
        NotFoundError: the model does not know the product.
    """
    said = _completing(state.scorer.ontology)
    viewing = _first(state, product, as_of, [said])
    if viewing.by:
        return viewing
    position = state.scorer.positions[product]
    in_category = terms_named(state.scorer, [CATEGORY])
    elsewhere = ~sharing(in_category[0], position) if in_category else None
    return _first(state, product, as_of, _bought(state.scorer.ontology), elsewhere)


def _bought(ontology: Ontology) -> Iterator[Sequence[str]]:
    """Names of terms that say what is bought together, those that say it best first."""
    target = ontology.target_behaviour
    meetings = ontology.meetings.items()
    baskets = [(len(m.behaviours), name) for name, m in meetings if m.by == "basket" and target in m.behaviours]
    yield from ([name] for _, name in sorted(baskets))
    yield from ([name] for name, m in meetings if m.by == "user" and set(m.behaviours) == {target})
    yield [term.name for term in ontology.terms if term.relation == _SAID and term.kind in ("forward", "reverse")]


def _completing(ontology: Ontology) -> Sequence[str]:
    """Names of terms of the relations that are called like complements, there and back."""
    return [
        term.name
        for term in ontology.terms
        if term.relation.startswith(_COMPLETES) and term.kind in ("forward", "reverse")
    ]


def _first(
    state: LiveState,
    product: str,
    as_of: datetime,
    groups: Iterator[Sequence[str]] | Sequence[Sequence[str]],
    among: BoolArray | None = None,
) -> Viewing:
    """What the first group of terms that leads anywhere gives to every product; nothing if none does."""
    scorer = state.scorer
    if scorer.position(product) is None:
        raise NotFoundError(f"there is no product {product}", field="productId")
    history = scorer.history([(product, scorer.ontology.target_behaviour, 1, as_of)])
    as_of_ms = int(as_of.timestamp() * 1000)
    named: tuple[str, ...] = ()
    narrow, scores = companions(scorer, (), history, as_of_ms)
    for names in groups:
        terms = terms_named(scorer, names)
        narrow, scores = companions(scorer, terms, history, as_of_ms, among)
        if narrow.alive.any():
            named = tuple(term.term.name for term in terms)
            break
    return Viewing(
        state=replace(state, scorer=narrow, index=None),
        as_of=as_of,
        audience=Audience(product_ids=(product,)),
        units=(Unit(product, None, 1, as_of),),
        history=history,
        strategy="COLD_START",
        scores=scores,
        context={},
        similar_to=product,
        by=named,
    )
