"""Batches of work for networks on a CPU: a thread with one core for each."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def on_cores(run: Callable[[Batch], Result], batches: Sequence[Batch]) -> Iterator[Result]:
    """Results of each batch, in their order.

    Threads within a batch would wait for each other at each of a network's layers, and on a busy machine long.
    """
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(run, batches)
    finally:
        torch.set_num_threads(before)


def _cores() -> int:
    """Those that this process may use, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
