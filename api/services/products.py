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
        with ThreadPoolExecutor(1) as beside:  # the encoders are processes: both work at the same time
            pictures = beside.submit(self._made, drafts, IMAGE)
            texts, images = self._made(drafts, TEXT), pictures.result()
        made = {TEXT: texts, IMAGE: images}
        self._store.upsert_products([_record(draft, made) for draft in drafts])
        return Written(tuple(draft.product_id for draft in drafts), texts.problems, images.problems)

    def _made(self, drafts: Sequence[ProductDraft], modality: str) -> _Made:
        """Vectors of the products whose words or picture are sent; what is not sent is taken from the store."""
        feature = self._store.ontology.nodes["Product"].features.get(modality)
        told = [d for d in drafts if feature and not set(feature.source).isdisjoint(d.properties)]
        if not told or feature is None:
            return _Made({}, {})
        ids = [draft.product_id for draft in told]
        cards = self._store.product_cards(ids)
        nodes = []
        for draft in told:
            known = cards[draft.product_id].properties if draft.product_id in cards else {}
            merged = {**known, **draft.properties}
            nodes.append([merged.get(name) for name in feature.source])
        try:
            encoded = self._texts.encode(nodes) if modality == TEXT else self._seen(nodes)
            self._agree_on(encoded, modality)
        except EncoderUnavailableError as error:
            _log.warning("written_without", modality=modality, products=len(ids), reason=str(error))
            return _Made({}, dict.fromkeys(ids, Problem("encoder", str(error))))
        rows = zip(ids, encoded.matrix, encoded.hashes, strict=True)
        return _Made(
            {key: Embedding(vector, content) for key, vector, content in rows},
            {ids[row]: problem for row, problem in encoded.problems.items()},
        )

    def _seen(self, nodes: Sequence[Sequence[object]]) -> Encoded:
        self._pictures.wake(_WAKE_SECONDS)
        return self._pictures.encode(nodes, _PICTURE_SECONDS)

    def _agree_on(self, encoded: Encoded, modality: str) -> None:
        """Vectors of two models do not go together: those of the shop's own model are kept, no others.

        Raises:
            EncoderUnavailableError: the store has another model's.
        """
        version = self._store.encoders("Product").get(modality)
        if version is None:
            self._store.use_encoder("Product", modality, encoded.version)
        elif version != encoded.version:
            setting = f"PATHREC_{modality.upper()}_MODEL"
            remedy = f"set {setting} to the model of `pathrec embed`, or run that again with this one"
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
