"""The words of the demo shop, read from catalogue.yaml: what it sells, how that is described, what goes with what."""

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Leaf(_Part):
    """A kind of product: the lowest level of the category tree."""

    noun: str
    price: tuple[float, float]
    sizes: tuple[str, ...]
    materials: tuple[str, ...]
    goes_with: tuple[str, ...]
    use: str
    attribute: str = "material"
    pack: str | None = None
    colours: tuple[str, ...] = ()
    plural: bool = False
    again: bool = False
    peak: int | None = None


class Words(_Part):
    """Everything in catalogue.yaml."""

    colours: dict[str, tuple[int, int, int]]
    styles: dict[str, str]
    materials: dict[str, str]
    patterns: tuple[str, ...]
    packed: str
    openings: tuple[str, ...]
    brands: tuple[str, ...]
    series: tuple[str, ...]
    departments: dict[str, dict[str, dict[str, Leaf]]]

    @cached_property
    def places(self) -> tuple["Place", ...]:
        """Each leaf with its place in the tree, in the order of the file."""
        return tuple(
            Place(department, number, group, name, leaf)
            for number, (department, groups) in enumerate(self.departments.items())
            for group, leaves in groups.items()
            for name, leaf in leaves.items()
        )


@dataclass(frozen=True)
class Place:
    """A leaf and where it hangs."""

    department: str
    number: int
    group: str
    name: str
    leaf: Leaf


@cache
def words() -> Words:
    """The words, read once."""
    text = (files("ingestion.demo") / "catalogue.yaml").read_text(encoding="utf-8")
    return Words.model_validate(yaml.safe_load(text))


def slug(name: str) -> str:
    """An id out of a name: "Shoes & accessories" becomes "shoes-accessories"."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
