"""When the demo shop's shoppers come, and what draws them at that time: fashion, season, new arrivals.

**Shapes**: N products, T weeks.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator

from ingestion.demo.catalogue import Catalogue
from ingestion.demo.fitting import FloatArray, IntArray
from ingestion.demo.words import Words

WEEKS = 26
END = datetime(2026, 7, 1, tzinfo=UTC)
"""Nothing happens later."""

_DAYS = 7 * WEEKS
_START = END - timedelta(days=_DAYS)

_BUSY_HOURS = np.array([1, 0.5, 0.3, 0.2, 0.2, 0.5, 1.5, 3, 4, 4.5, 5, 5.5, 6.5, 6, 5, 5, 5.5, 6, 7, 8.5, 9.5, 9, 6, 3])
_BUSY_WEEKDAYS = np.array([1.05, 0.95, 0.95, 1.0, 0.9, 1.05, 1.3])
_HOUR = 3600 * 1000
_DAY = 24 * _HOUR


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp()) * 1000


def weeks_of(times: IntArray) -> IntArray:
    """The week of the half year that times fall in."""
    return np.asarray((times - milliseconds(_START)) // (7 * _DAY))


def draw_starts(rng: Generator, count: int) -> IntArray:
    """(count,) starts of sessions in milliseconds since 1970: busier in the evening, at weekends, and lately."""
    weekdays = (_START.weekday() + np.arange(_DAYS)) % 7
    busy = _BUSY_WEEKDAYS[weekdays] * np.linspace(0.8, 1.25, _DAYS)
    days = rng.choice(_DAYS, size=count, p=busy / busy.sum())
    hours = rng.choice(24, size=count, p=_BUSY_HOURS / _BUSY_HOURS.sum())
    starts = milliseconds(_START) + days * _DAY + hours * _HOUR + rng.integers(_HOUR, size=count)
    return np.asarray(np.minimum(starts, milliseconds(END) - _HOUR))  # so that the last session ends in time


def draw_attraction(words: Words, catalogue: Catalogue, rng: Generator) -> FloatArray:
    """(T, N) how much a product draws at a time, whoever looks; 0 before it is in the shop."""
    count, week = len(catalogue), np.arange(WEEKS)[:, None]
    appeal = rng.lognormal(0, 0.9, count)
    trend = np.where(rng.random(count) < 0.1, rng.normal(0, 0.12, count), 0)
    arrives = _arrivals(rng, count)
    new = 1 + 1.5 * np.exp(-(week - arrives) / 3) * (arrives > 0)
    rising = np.exp(trend * (week - WEEKS / 2))
    season = _season(words)[:, catalogue.looks.leaf]
    return np.asarray(np.where(week >= arrives, appeal * rising * new * season, 0))


def _arrivals(rng: Generator, count: int) -> IntArray:
    """(N,) week of arrival: most were always there, some came during the half year, a few come only now."""
    kind = rng.random(count)
    arrives = np.where(kind < 0.12, rng.integers(1, WEEKS, count), 0)
    return np.where(kind > 0.97, WEEKS, arrives)


def _season(words: Words) -> FloatArray:
    """(T, L) a wave over the year for each kind of product that has a month to peak in."""
    middle = [_START + timedelta(days=7 * week + 3.5) for week in range(WEEKS)]
    month = np.array([day.month + day.day / 31 - 0.5 for day in middle])[:, None]
    peak = np.array([place.leaf.peak or 0 for place in words.places])
    strength = np.where(peak > 0, 0.6, 0)
    return np.asarray(np.exp(strength * np.cos(2 * np.pi * (month - peak) / 12)))
