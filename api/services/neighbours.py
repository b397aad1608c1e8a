"""Products beside a product along one relation of the ontology: no model has a say in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from api.services.cursors import Place, question_digest
from api.services.errors import BadInputError
from api.services.listing import ListPage, check_place
from graph import Store
from graph.neighbours import Neighbour, Way
from schema.errors import suggestion
from schema.ontology import Ontology

_BACK = "_REVERSE"


@dataclass(frozen=True)
class Step:
    """A relation and which way it is taken."""

    relation: str
    way: Way


def step_of(ontology: Ontology, name: str) -> Step:
    """What a name means: a relation of products, with _REVERSE after it against its direction.

    Raises:
        BadInputError: products have no such relation.
    """
    known = {r: relation.target for r, relation in ontology.relations.items() if relation.source == "Product"}
    if name in known:
        return Step(name, "forward" if known[name] == "Product" else "shared")
    base = name.removesuffix(_BACK)
    if base != name and known.get(base) == "Product":
        return Step(base, "reverse")
    raise BadInputError(
        f"products have no relation {name}; {suggestion(name, known)}",
        field="relation",
        remedy=f"name a relation of products as the shop's ontology does; {_BACK} after one between products turns it",
    )


def related(
    store: Store, name: str, ids: Sequence[str], without: Collection[str], first: int, after: Place | None
) -> dict[str, ListPage]:
    """A page for each of some products, the strongest relations first; a place belongs to one product alone.

    Args:
        store: where the relations are.
        name: of the relation, as `step_of` reads it.
        ids: of the products.
        without: products that are in no list.
        first: how many.
        after: where the page before ended.

    Raises:
        BadInputError: no such relation, or a place of another list.
    """
    step = step_of(store.ontology, name)
    questions = {key: question_digest("related", step.relation, step.way, key) for key in ids}
    for question in questions.values() if after is not None else ():
        check_place(after, question)
    place = None if after is None else Neighbour(after.product, -float(after.key))
    found = store.neighbours(step.relation, step.way, ids, without=without, after=place, limit=first + 1)
    return {
        key: ListPage(
            tuple(Place(questions[key], -n.weight, n.product) for n in found[key][:first]),
            None,
            len(found[key]) > first,
        )
        for key in ids
    }
