"""What a filter lets through."""

from api.services.catalogue import BoolArray, Linked, ProductFilter
from api.services.errors import BadInputError
from api.services.interests import BRAND, CATEGORY
from api.services.live import LiveState
from graph import Store
from schema.errors import suggestion
from schema.ontology import Ontology


def fitting(store: Store, state: LiveState, condition: ProductFilter) -> BoolArray:
    """(N,) products that meet all conditions but those about the viewer.

    A category, brand or feature is looked up in the store when it is first asked for in a state, then kept.

    Raises:
        BadInputError: naming what the shop does not have.
    """
    shelf = state.shelf
    mask: BoolArray = state.scorer.alive & (shelf.offered if condition.available else ~shelf.offered)
    if condition.minimum_price is not None or condition.maximum_price is not None:
        mask &= shelf.within(condition.minimum_price, condition.maximum_price)
    if condition.category_ids:
        mask &= state.in_categories(store, state.categories.checked(condition.category_ids))
    if condition.brand_ids:
        mask &= _linked(store, state, Linked(BRAND, condition.brand_ids), "filter.brandIds")
    for number, wanted in enumerate(condition.features):
        mask &= _featured(store, state, wanted, f"filter.features.{number}")
    excluded = [state.scorer.positions.get(key) for key in condition.exclude_product_ids]
    mask[[position for position in excluded if position is not None]] = False
    return mask


def _featured(store: Store, state: LiveState, wanted: Linked, place: str) -> BoolArray:
    _check_relation(state.scorer.ontology, wanted.relation, f"{place}.relation")
    if wanted.relation == CATEGORY:
        return state.in_categories(store, state.categories.checked(wanted.node_ids))
    return _linked(store, state, wanted, f"{place}.nodeIds")


def _linked(store: Store, state: LiveState, wanted: Linked, field: str) -> BoolArray:
    mask, unknown = state.linked_to(store, wanted.relation, wanted.node_ids)
    if unknown:
        kind = state.scorer.ontology.relations[wanted.relation].target
        raise BadInputError(
            f"there is no {kind} {', '.join(unknown[:5])}", field=field, remedy=f"give the shop's own keys of a {kind}"
        )
    return mask


def _check_relation(ontology: Ontology, relation: str, field: str) -> None:
    known = [name for name, r in ontology.relations.items() if r.source == "Product" and r.target != "Product"]
    if relation not in known:
        raise BadInputError(
            f"there is no relation {relation} from products to something else; {suggestion(relation, known)}",
            field=field,
            remedy="name a relation as the shop's ontology does",
        )
