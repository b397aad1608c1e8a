"""Labels of products predicted from the vectors in the store, and written there for experts to judge.

The store is read and written in pieces; nothing of a whole catalogue but its ids is in memory.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

from api.pipeline import IMAGE, TEXT, PipelineError
from graph import ACCEPTED, Label, LabelCounts, Store
from graph.labels import label_relations
from ingestion.categories import slug
from ingestion.encoders import EmbeddingCache, encode_cached, texts_of
from ingestion.labels.classifier import Classifier, side_by_side
from ingestion.labels.examples import read_examples
from ingestion.labels.few_shot import FEWEST, Check, ExamplesError, learn
from ingestion.labels.zero_shot import by_names
from schema.errors import PathrecError, suggestion
from schema.progress import Report, silent

MINIMUM_CONFIDENCE = 0.8
Source = Literal["text", "image", "both"]

_MODALITIES: dict[Source, tuple[str, ...]] = {"text": (TEXT,), "image": (IMAGE,), "both": (TEXT, IMAGE)}
FEATURE = "Feature"
_PIECE = 5000
_SAMPLE = 5  # products whose texts show which model encoded them
_PROBES = 20_000  # products that tell how frequent labels are
_SEED = 0
_log = structlog.get_logger()


class LabellingError(PathrecError):
    """Labels cannot be predicted as asked."""


@dataclass(frozen=True)
class Wanted:
    """Which labels, and what they are known by.

    Attributes:
        relation: from products to the labels' nodes.
        examples: a CSV file of products with their labels.
        names: the labels' names, where there are no examples.
        attribute: what the labels are values of, such as colour; only for labels that are features.
        source: what products are judged by.
        minimum_confidence: nothing less sure is written.
    """

    relation: str
    examples: Path | None = None
    names: tuple[str, ...] = ()
    attribute: str | None = None
    source: Source | None = None
    minimum_confidence: float = MINIMUM_CONFIDENCE

    def __post_init__(self) -> None:
        if (self.examples is None) == (not self.names):
            raise LabellingError("labels are known by --examples or by --names; give one of them")
        if self.names and len({name.casefold() for name in self.names}) < 2:
            raise LabellingError("two different names or more are needed to choose between")
        if self.names and self.source not in (None, "text"):
            raise LabellingError(
                "names are words, which only texts can be near to; leave out --from or give --examples"
            )

    @property
    def modalities(self) -> tuple[str, ...]:
        return _MODALITIES[self.source or ("text" if self.names else "both")]


@dataclass
class Labelled:
    """What was predicted.

    Attributes:
        labels: node -> products that it was found for with enough confidence.
        unsure: products whose best label is not sure enough.
        featureless: products without a vector to judge them by.
        counts: what the store made of the labels.
        check: how well held-out examples were told; None where there are no examples.
    """

    labels: dict[str, int]
    unsure: int = 0
    featureless: int = 0
    counts: LabelCounts = field(default_factory=LabelCounts)
    check: Check | None = None


def label(store: Store, wanted: Wanted, *, home: Path, model: str | None = None, report: Report = silent) -> Labelled:
    """Predicts labels of all products and writes those that are sure enough.

    Args:
        store: with embedded products.
        wanted: which labels.
        home: its `cache/` keeps the vectors of names.
        model: the text model that `embed` was given; only for labels known by their names.
        report: told how far it is.

    Raises:
        LabellingError: a relation, name or product that is not there.
        ExamplesError: too few examples, or they cannot be read.
        PipelineError: no product has a vector of the kind asked for.
    """
    possible = label_relations(store.ontology)
    if wanted.relation not in possible:
        raise LabellingError(
            f"{wanted.relation} can hold no labels of products; {suggestion(wanted.relation, possible)}"
        )
    products = store.nodes("Product").column("id").to_pylist()
    known = read_examples(wanted.examples) if wanted.examples else {}
    names = list(dict.fromkeys(known.values() or wanted.names))
    nodes = _nodes(store, wanted, names)
    check = None
    if known:
        classifier, check = _learned(store, wanted, products, known)
    else:
        classifier = by_names(_vectors_of_names(store, products, names, home, model))
    _create(store, wanted, nodes)
    done = Labelled(dict.fromkeys(nodes.values(), 0), check=check)
    for start in range(0, len(products), _PIECE):
        some = products[start : start + _PIECE]
        found = [Label(key, nodes[known[key]], 1.0, ACCEPTED) for key in some if key in known]
        others = [key for key in some if key not in known]
        found += _judged(classifier, _vectors(store, wanted, others), others, list(nodes.values()), wanted, done)
        done.counts += store.write_labels(wanted.relation, done.labels, some, found)
        report("labels", start + len(some), len(products))
    _log.info("labelled", relation=wanted.relation, written=done.counts.written, rejected=done.counts.rejected)
    return done


def judge(store: Store, relation: str, product: str, node: str, *, accept: bool) -> None:
    """What an expert makes of one label.

    Raises:
        RecordError: the relation holds no labels.
        LabellingError: there is no such label to accept or to reject.
    """
    judged = store.accept_labels if accept else store.reject_labels
    if not judged(relation, [(product, node)]):
        possible = "predicted or rejected" if accept else "predicted or accepted"
        raise LabellingError(
            f"{product} has no label {node} by {relation} that was {possible}; what the shop itself says is changed "
            "in its own data"
        )


def _judged(
    classifier: Classifier,
    features: npt.NDArray[np.floating],
    ids: Sequence[str],
    nodes: Sequence[str],
    wanted: Wanted,
    done: Labelled,
) -> Iterator[Label]:
    """The most probable label of each product, if it is sure enough; what is not is counted."""
    there = np.any(features, axis=1)
    probabilities = classifier.probabilities(features)
    best = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    for row, key in enumerate(ids):
        if not there[row]:
            done.featureless += 1
        elif confidence[row] < wanted.minimum_confidence:
            done.unsure += 1
        else:
            node = nodes[best[row]]
            done.labels[node] += 1
            yield Label(key, node, round(float(confidence[row]), 4))


def _learned(
    store: Store, wanted: Wanted, products: Sequence[str], known: Mapping[str, str]
) -> tuple[Classifier, Check]:
    """A classifier of the examples, at home among the shop's products."""
    there = set(products)
    missing = [key for key in known if key not in there]
    if missing:
        raise LabellingError(
            f"{wanted.examples}: no product {', '.join(missing[:5])} in the store; ingest it or leave the line out"
        )
    features = _vectors(store, wanted, list(known))
    usable = np.any(features, axis=1)
    names = list(dict.fromkeys(known.values()))
    labels = np.array([names.index(name) for name in known.values()])
    counts = np.bincount(labels[usable], minlength=len(names))
    if len(names) < 2 or counts.min() < FEWEST:
        few = names[int(counts.argmin())]
        raise ExamplesError(
            f"{wanted.examples}: {few} has {counts.min()} examples with a vector; two labels or more are needed, "
            f"with {FEWEST} examples or more each, better ten"
        )
    classifier, check = learn(features[usable], labels[usable], seed=_SEED)
    rng = np.random.default_rng(_SEED)
    probes = rng.choice(np.array(products, dtype=object), min(_PROBES, len(products)), replace=False)
    seen = _vectors(store, wanted, probes.tolist())
    return classifier.at_home_in(seen[np.any(seen, axis=1)]), check


def _vectors(store: Store, wanted: Wanted, ids: Sequence[str]) -> npt.NDArray[np.floating]:
    """(n, d) what products are judged by; zero where there is nothing."""
    blocks = [store.features("Product", modality, ids) for modality in wanted.modalities]
    blocks = [block for block in blocks if block.shape[1]]
    if not blocks:
        raise PipelineError(
            f"{store.url}: no product has a vector of its {' or '.join(wanted.modalities)}; run `pathrec embed` first"
        )
    return side_by_side(*blocks)


def _vectors_of_names(
    store: Store, products: Sequence[str], names: Sequence[str], home: Path, model: str | None
) -> npt.NDArray[np.float32]:
    """(C, d) by the model that encoded the products' texts."""
    from ingestion.encoders.text import load_text_encoder

    encoder, cache = load_text_encoder(model), EmbeddingCache(home / "cache")
    some = store.nodes("Product", products[:_SAMPLE])
    texts = texts_of(some, store.ontology.nodes["Product"].features[TEXT].source)
    _, hashes = encode_cached(encoder, texts, cache)
    stored = store.feature_hashes("Product", TEXT)
    if not any(stored.get(key) == digest for key, digest in zip(some.column("id").to_pylist(), hashes, strict=True)):
        raise PipelineError(
            f"{store.url}: the texts of products were not encoded by {encoder.name}, so that names in its words mean "
            "nothing there; give --model as `pathrec embed` was given it, or run that again"
        )
    return encode_cached(encoder, names, cache)[0]


def _nodes(store: Store, wanted: Wanted, names: Sequence[str]) -> dict[str, str]:
    """Name -> id of its node: one that is there under this id or name, or one to be made."""
    target = store.ontology.relations[wanted.relation].target
    if wanted.attribute and target != FEATURE:
        raise LabellingError(f"{wanted.relation} leads to {target}, which has no attribute; leave out --attribute")
    there = store.nodes(target).to_pylist()
    ids = {row["id"] for row in there}
    found = {}
    for name in names:
        same = sorted(row["id"] for row in there if _is_called(row, name, wanted.attribute))
        if name not in ids and len(same) > 1:
            raise LabellingError(f"{name} is the name of {', '.join(same[:5])}; write the id of the one that is meant")
        made = slug(f"{wanted.attribute} {name}" if wanted.attribute else name)
        found[name] = name if name in ids else same[0] if same else made
    twice = [node for node, count in Counter(found.values()).items() if count > 1 or not node]
    if twice:
        raise LabellingError(f"{' and '.join(n for n in names if found[n] in twice)} are one label; call them alike")
    return found


def _is_called(row: Mapping[str, object], name: str, attribute: str | None) -> bool:
    if attribute is not None:
        pair = (str(row.get("name")).casefold(), str(row.get("value")).casefold())
        return pair == (attribute.casefold(), name.casefold())
    return name.casefold() in (str(row.get(key)).casefold() for key in ("name", "value"))


def _create(store: Store, wanted: Wanted, nodes: Mapping[str, str]) -> None:
    """Nodes of labels that are new, called as the expert calls them."""
    target = store.ontology.relations[wanted.relation].target
    there = set(store.nodes(target).column("id").to_pylist())
    fresh = [(node, name) for name, node in nodes.items() if node not in there]
    known = store.ontology.nodes[target].properties
    columns: dict[str, list[str]] = {"id": [node for node, _ in fresh]}
    if wanted.attribute:
        columns |= {"name": [wanted.attribute] * len(fresh), "value": [name for _, name in fresh]}
    elif "name" in known:
        columns["name"] = [name for _, name in fresh]
    if fresh:
        store.load_nodes(target, pa.table(columns))
