"""The terms of the score as fitting sees them: explicit paths, the low-pass filter, the latent vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gnn.batch import Dots
from gnn.data import Shop
from gnn.histories import interactions
from gnn.incidence import Incidence
from gnn.latent import Vectors
from gnn.low_pass import POWERS, LowPass, filtered_between
from gnn.paths import MIDDLE_POWERS, FloatArray, IntArray, middle_factor, power
from gnn.questions import FitTerm
from gnn.spectral import singular_vectors
from gnn.units import UnitWeights

Shares = tuple[float, ...]
Variants = tuple[Shares, ...]

LATENT = "LATENT"
LOW_PASS = "LOW_PASS"  # noqa: S105 (a filter, no secret)
RANK = 64
# Users with many products count less: between the row sum of GF-CF (1/2) and none.
USER_EXPONENT = 0.3
START, END = 0.5, 0.2
NOTHING: Mapping[str, Shares] = MappingProxyType({})


@dataclass(frozen=True)
class Basis:
    """(N, d) singular vectors and (d,) values of a shop's user-product matrix; the largest is one."""

    vectors: Vectors
    values: FloatArray


def basis(shop: Shop, seed: int) -> Basis | None:
    """The smooth part of who met what; None where nobody met two products."""
    matrix = interactions(shop)
    if not len(matrix.data) or np.diff(matrix.indptr).max() < 2 or min(matrix.shape) < 2:
        return None
    # Few of all directions: with many of them the smooth part of a small shop is the whole, and paths are idle.
    rank = max(1, min(RANK, *(size // 20 for size in matrix.shape)))
    vectors, values = singular_vectors(matrix, rank, np.random.default_rng(seed), USER_EXPONENT)
    return Basis(np.asarray(vectors, np.float32), np.asarray(values / values[0], np.float64))


def met(shop: Shop) -> FloatArray:
    """(N,) users who did anything with a product."""
    return np.bincount(interactions(shop).indices, minlength=shop.products).astype(np.float64)


def fit_terms(
    shop: Shop,
    found: Sequence[Incidence],
    smooth: Basis | None,
    vectors: Vectors,
    known: Mapping[str, Shares] = NOTHING,
) -> list[FitTerm]:
    """All terms of a shop, in a fixed order: explicit ones, low-pass, latent.

    Args:
        shop, found, smooth, vectors: what was learned.
        known: name of a term -> shares of its variants that are fitted already; such a term has one variant.
    """
    degree, behaviours = met(shop), len(shop.behaviours)
    terms = [explicit(i, behaviours, _variants(known, i.term.name, middle_shares(i))) for i in found]
    if smooth is not None:
        terms.append(_low_pass(smooth, degree, behaviours, _variants(known, LOW_PASS, one_of_each(len(POWERS)))))
    return [*terms, _latent(vectors, degree, behaviours)]


def one_of_each(count: int) -> Variants:
    """Variants that have one share each."""
    return tuple(tuple(float(k == n) for k in range(count)) for n in range(count))


def _variants(known: Mapping[str, Shares], name: str, each: Variants) -> Variants:
    return (known[name],) if name in known else each


def neutral_units(behaviours: int) -> UnitWeights:
    """Units that all count alike."""
    return UnitWeights(np.zeros(behaviours), np.ones(behaviours), np.ones(behaviours))


def middle_shares(incidence: Incidence) -> Variants:
    """One choice of the middle's power for each variant of a term; one alone where all middles are alike."""
    each = one_of_each(len(MIDDLE_POWERS))
    return each if incidence.middles_differ else each[:1]


def explicit(incidence: Incidence, behaviours: int, variants: Variants) -> FitTerm:
    """A term of paths, with one variant for each choice of the middle's power."""
    units, weights = neutral_units(behaviours), np.ones(behaviours)
    first = incidence.with_weights(weights, units, (START, END), variants[len(variants) // 2])
    factors = np.stack([middle_factor(incidence.middle_degree, shares) for shares in variants], axis=1)

    def between(starts: IntArray, ends: IntArray, person: int) -> Sequence[FloatArray]:
        # A history often holds a product several times, for what was done with it.
        once, place = np.unique(starts, return_inverse=True)
        sums = first.sums_between(once, ends, first.owned_by(person), factors)
        return tuple(np.moveaxis(sums[place], 2, 0))

    return FitTerm(
        name=incidence.term.name,
        variants=variants,
        signed=False,
        between=between,
        first=first,
        out_degree=incidence.out_degree,
        degree=incidence.degree,
        start=START,
        end=END,
    )


def _low_pass(smooth: Basis, degree: FloatArray, behaviours: int, variants: Variants) -> FitTerm:
    first = LowPass(
        basis=smooth.vectors,
        values=smooth.values,
        response=np.array(variants[0]),
        start_factor=power(degree, 0.25),
        end_factor=power(degree, -0.4),
        weights=np.ones(behaviours),
        units=neutral_units(behaviours),
    )
    return FitTerm(
        name=LOW_PASS,
        variants=variants,
        signed=len(variants) > 1,
        between=lambda starts, ends, person: filtered_between(smooth.vectors, smooth.values, variants, starts, ends),
        first=Dots.of(first),
        out_degree=degree,
        degree=degree,
        start=0.25,
        end=-0.4,
    )


def _latent(vectors: Vectors, degree: FloatArray, behaviours: int) -> FitTerm:
    def between(starts: IntArray, ends: IntArray, person: int) -> list[FloatArray]:
        return [np.asarray(vectors[starts] @ vectors[ends].T * np.not_equal.outer(starts, ends), np.float64)]

    return FitTerm(
        name=LATENT,
        variants=((1.0,),),
        signed=False,
        between=between,
        first=Dots(vectors, vectors, power(degree, START), np.ones(behaviours), neutral_units(behaviours)),
        out_degree=degree,
        degree=np.ones(len(degree)),
        start=START,
        end=0.0,
    )
