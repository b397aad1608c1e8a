"""What a shop offers: categories as a tree, prices and availability beside the model's products.

A `Shelf` holds, for each of the model's N products, what filters ask about. It is rebuilt when the
model is loaded and brought up to date with the change log, so that a filter costs no query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from api.services.checks import finite
from api.services.errors import BadInputError

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Linked:
    """A condition: a relation leads from the product to any of some nodes."""

    relation: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True)
class ProductFilter:
    """Hard conditions, all of which must hold; None and empty mean no condition.

    `available` False asks for what is said to be unavailable, which is not shown otherwise.
    """

    category_ids: tuple[str, ...] = ()
    minimum_price: float | None = None
    maximum_price: float | None = None
    exclude_product_ids: tuple[str, ...] = ()
    include_bought: bool = False
    brand_ids: tuple[str, ...] = ()
    features: tuple[Linked, ...] = ()
    available: bool = True

    def __post_init__(self) -> None:
        finite(self.minimum_price, "filter.price.min")
        finite(self.maximum_price, "filter.price.max")


@dataclass(frozen=True)
class Shelf:
    """What can be offered at all, and for how much; (N,) each. An unknown price is NaN."""

    offered: BoolArray
    price: FloatArray

    @classmethod
    def of(cls, product_ids: Sequence[str], products: pa.Table) -> "Shelf":
        """The shelf of the model's products from the store's product nodes; what is not there is not offered."""
        rows = {key: row for row, key in enumerate(products.column("id").to_pylist())}
        price = _column(products, "price", len(rows))
        available = _column(products, "available", len(rows))
        shelf = cls(np.zeros(len(product_ids), bool), np.full(len(product_ids), np.nan))
        for position, key in enumerate(product_ids):
            row = rows.get(key)
            if row is not None:
                shelf.offered[position], shelf.price[position] = _fact(available[row], price[row])
        return shelf

    def updated(self, positions: Mapping[str, int], size: int, touched: Mapping[str, Any]) -> "Shelf":
        """The shelf with some products as they are now.

        Args:
            positions: product id -> position, of the model as it is now.
            size: number of the model's products now.
            touched: product id -> its properties, None if it is gone.
        """
        more = size - len(self.offered)
        offered = np.concatenate([self.offered, np.zeros(more, bool)])
        price = np.concatenate([self.price, np.full(more, np.nan)])
        for key, properties in touched.items():
            position = positions.get(key)
            if position is not None:
                offered[position], price[position] = (
                    _fact(properties.get("available"), properties.get("price"))
                    if properties is not None
                    else (False, np.nan)
                )
        return Shelf(offered, price)

    def within(self, minimum: float | None, maximum: float | None) -> BoolArray:
        """(N,) products of a price range; one without a price is in no range."""
        inside = np.ones(len(self.price), bool)
        if minimum is not None:
            inside &= self.price >= minimum
        if maximum is not None:
            inside &= self.price <= maximum
        return inside


@dataclass(frozen=True)
class CategoryNode:
    """A category in its tree."""

    id: str
    name: str | None
    parent: str | None


@dataclass(frozen=True)
class CategoryTree:
    """All categories of the shop."""

    nodes: Mapping[str, CategoryNode]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str | None, str | None]]) -> "CategoryTree":
        """From rows of id, name, parent."""
        return cls({key: CategoryNode(key, name, parent) for key, name, parent in rows})

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.parent is not None:
                children.setdefault(node.parent, []).append(node.id)
        return children

    def children(self, category_id: str) -> list[CategoryNode]:
        """The categories right below one, by name."""
        below = [self.nodes[key] for key in self._children.get(category_id, ())]
        return sorted(below, key=lambda node: (node.name or "", node.id))

    def below(self, category_id: str) -> tuple[str, ...]:
        """A category and all that are below it."""
        found = [category_id]
        for key in found:
            found += [child for child in self._children.get(key, ()) if child not in found]
        return tuple(found)

    def lineage(self, category_id: str) -> tuple[str, ...]:
        """A category and all that are above it."""
        found: list[str] = []
        above: str | None = category_id
        while above is not None and above not in found:
            found.append(above)
            above = self.nodes[above].parent if above in self.nodes else None
        return tuple(found)

    def checked(self, ids: Sequence[str]) -> tuple[str, ...]:
        """The ids, if there is a category for each.

        Raises:
            BadInputError: naming those there are not.
        """
        unknown = [key for key in ids if key not in self.nodes]
        if unknown:
            raise BadInputError(
                f"there is no category {', '.join(unknown[:5])}",
                field="filter.categoryIds",
                remedy="give ids of the shop's categories, as Product.categories shows them",
            )
        return tuple(ids)


def _column(table: pa.Table, name: str, rows: int) -> list[Any]:
    return list(table.column(name).to_pylist()) if name in table.column_names else [None] * rows


def _fact(available: bool | None, price: float | None) -> tuple[bool, float]:
    # Only what is said to be unavailable is: most sources have no such column.
    return available is not False, np.nan if price is None else float(price)
