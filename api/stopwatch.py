"""Seconds and peak memory of the stages of a run, child processes included."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

_INTERVAL = 0.1


@dataclass(frozen=True)
class Stage:
    """One stage that ran to its end."""

    seconds: float
    peak_memory_bytes: int  # highest sum of resident memory over this process and its descendants


class Stopwatch:
    """Collects stages by name, in the order in which they ended."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures the block; a block that raises is not recorded."""
        began = time.perf_counter()
        with _MemorySampler() as sampler:
            yield
        self.stages[name] = Stage(time.perf_counter() - began, sampler.peak)

    def as_dict(self) -> dict[str, dict[str, float | int]]:
        """JSON form: `{name: {seconds, peak_memory_bytes}}`."""
        return {
            name: {"seconds": round(stage.seconds, 3), "peak_memory_bytes": stage.peak_memory_bytes}
            for name, stage in self.stages.items()
        }


class _MemorySampler:
    """Looks at resident memory ten times a second, in a thread of its own."""

    def __init__(self) -> None:
        self.peak = 0
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-sampler", daemon=True)

    def __enter__(self) -> "_MemorySampler":
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            self._sample()

    def _sample(self) -> None:
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        self.peak = max(self.peak, total)
