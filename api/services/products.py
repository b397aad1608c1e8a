"""Products as a shop writes them: checked, their words and pictures encoded where they are sent, stored in one go."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from api.encoding import Encoded, EncoderProcess, EncoderUnavailableError, Problem
from api.services.errors import BadInputError
from graph import Store
from graph.records import Embedding, Link, Named, ProductRecord
from schema.errors import suggestion
from schema.ontology import Ontology, PropertyType

LIMIT = 1_000
TEXT, IMAGE = "text", "image"
_KEY_LENGTH = 512
# Pictures may have to be fetched, eight at a time and each in 30 seconds; the first of all waits for the model.
_PICTURE_SECONDS, _WAKE_SECONDS = 150.0, 10.0
_log = structlog.get_logger()

Value = str | int | float | bool
_PYTHON: dict[PropertyType, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "datetime": (),
}


@dataclass(frozen=True)
class ProductDraft:
    """A product as somebody sent it; what is absent stays as it is."""

    product_id: str
    properties: Mapping[str, Value] = field(default_factory=dict)
    categories: tuple[Named, ...] | None = None
    brand: Named | None = None
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Written:
    """Products that were written, and why the words or the picture of some could not be encoded."""

    product_ids: tuple[str, ...]
    without_text: Mapping[str, Problem] = field(default_factory=dict)
    without_image: Mapping[str, Problem] = field(default_factory=dict)


@dataclass(frozen=True)
class _Made:
    """What an encoder made of some products, by id."""

    embeddings: Mapping[str, Embedding]
    problems: Mapping[str, Problem]


class ProductWriter:
    """Writes products to the store."""

    def __init__(self, store: Store, texts: EncoderProcess, pictures: EncoderProcess) -> None:
        self._store = store
        self._texts = texts
        self._pictures = pictures

    def write(self, drafts: Sequence[ProductDraft]) -> Written:
        """Writes all products in one transaction, or none.

        Raises:
            BadInputError: naming the first mistake with its place.
            StoreError: nothing was written.
        """
        if len(drafts) > LIMIT:
            remedy = f"send at most {LIMIT} at a time"
            raise BadInputError(f"products has {len(drafts)} entries", field="products", remedy=remedy)
        for index, draft in enumerate(drafts):
            check(draft, self._store.ontology, f"products.{index}")
        if len({draft.product_id for draft in drafts}) != len(drafts):
            raise BadInputError("a product is there twice", field="products", remedy="send each product once")
        if not drafts:
            return Written(())
        made = self._encoded(drafts)
        self._store.upsert_products([_record(draft, made) for draft in drafts])
        return Written(tuple(draft.product_id for draft in drafts), made[TEXT].problems, made[IMAGE].problems)

    def _encoded(self, drafts: Sequence[ProductDraft]) -> dict[str, _Made]:
        """What the encoders make of the words and pictures that are sent; what is not sent is taken from the store."""
        features = self._store.ontology.nodes["Product"].features
        told = {
            modality: [d for d in drafts if not set(features[modality].source).isdisjoint(d.properties)]
            for modality in (TEXT, IMAGE)
            if modality in features
        }
        if not any(told.values()):
            return {TEXT: _Made({}, {}), IMAGE: _Made({}, {})}
        cards = self._store.product_cards([draft.product_id for some in told.values() for draft in some])
        versions = self._store.encoders("Product")

        def made(modality: str) -> _Made:
            nodes = {}
            for draft in told.get(modality, ()):
                card = cards.get(draft.product_id)
                known = {**(card.properties if card else {}), **draft.properties}
                nodes[draft.product_id] = [known.get(name) for name in features[modality].source]
            return self._made(modality, nodes, versions.get(modality)) if nodes else _Made({}, {})

        with ThreadPoolExecutor(1) as beside:  # the encoders are processes: both work at the same time
            pictures = beside.submit(made, IMAGE)
            return {TEXT: made(TEXT), IMAGE: pictures.result()}

    def _made(self, modality: str, nodes: Mapping[str, Sequence[object]], version: str | None) -> _Made:
        """Vectors of some products.

        Args:
            modality: of what.
            nodes: product id -> what describes it.
            version: of the encoder whose vectors the shop has; those of another do not go together with them.
        """
        try:
            described = list(nodes.values())
            encoded = self._texts.encode(described) if modality == TEXT else self._seen(described)
            self._agree_on(encoded, modality, version)
        except EncoderUnavailableError as error:
            _log.warning("written_without", modality=modality, products=len(nodes), reason=str(error))
            return _Made({}, dict.fromkeys(nodes, Problem("encoder", str(error))))
        ids = list(nodes)
        rows = zip(ids, encoded.matrix, encoded.hashes, strict=True)
        return _Made(
            {key: Embedding(vector, content) for key, vector, content in rows},
            {ids[row]: problem for row, problem in encoded.problems.items()},
        )

    def _seen(self, nodes: Sequence[Sequence[object]]) -> Encoded:
        self._pictures.wake(_WAKE_SECONDS)
        return self._pictures.encode(nodes, _PICTURE_SECONDS)

    def _agree_on(self, encoded: Encoded, modality: str, version: str | None) -> None:
        if version is None:
            self._store.use_encoder("Product", modality, encoded.version)
        elif version != encoded.version:
            remedy = "let the server and `pathrec embed` use one model (PATHREC_TEXT_MODEL, PATHREC_IMAGE_MODEL)"
            raise EncoderUnavailableError(f"the shop's {modality} vectors are of another model; {remedy}")


def check(draft: ProductDraft, ontology: Ontology, place: str) -> None:
    """Looks for mistakes that the ontology alone can tell.

    Raises:
        BadInputError: naming the place.
    """
    if not draft.product_id.strip() or len(draft.product_id) > _KEY_LENGTH:
        remedy = "give the shop's own key of the product"
        raise BadInputError(f"a productId has 1 to {_KEY_LENGTH} characters", field=f"{place}.productId", remedy=remedy)
    properties = ontology.nodes["Product"].properties
    for name, value in draft.properties.items():
        if name not in properties:
            raise BadInputError(f"products have no {name}; {suggestion(name, properties)}", field=f"{place}.{name}")
        _check_value(name, value, properties[name].type, place)
    known = {name: relation for name, relation in ontology.relations.items() if relation.source == "Product"}
    for index, link in enumerate(draft.links):
        where = f"{place}.relations.{index}"
        if link.relation not in known:
            message = f"there is no relation {link.relation} from a product; {suggestion(link.relation, known)}"
            raise BadInputError(message, field=f"{where}.relation")
        if link.weight is not None and not (math.isfinite(link.weight) and link.weight > 0):
            raise BadInputError("a weight is a number above 0", field=f"{where}.weight", remedy="leave it out for 1")


def _check_value(name: str, value: Value, kind: PropertyType, place: str) -> None:
    wrong = not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "boolean")
    if wrong:
        raise BadInputError(f"{name} must be of type {kind}", field=f"{place}.{name}")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInputError(f"{name} is not a finite number", field=f"{place}.{name}", remedy="leave it out if unknown")
    if name == "price" and not isinstance(value, str) and value < 0:
        raise BadInputError("a price is not below 0", field=f"{place}.price", remedy="leave it out if unknown")


def _record(draft: ProductDraft, made: Mapping[str, _Made]) -> ProductRecord:
    return ProductRecord(
        id=draft.product_id,
        properties=draft.properties,
        categories=draft.categories,
        brand=draft.brand,
        links=draft.links,
        features={
            modality: found.embeddings[draft.product_id]
            for modality, found in made.items()
            if draft.product_id in found.embeddings
        },
    )
