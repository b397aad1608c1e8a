"""A pytest plugin: which process of pytest-xdist runs which tests, and in what order."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What takes long to set up is set up once: the demo, and the servers that live as long as the tests.
# What takes longest stands first and is begun first, so that no process is left with it at the end.
TOGETHER = {
    "tests/api/test_demo.py": "demo",
    "tests/test_readme.py": "demo",
    "tests/test_exactness.py": "demo",
    "tests/api/serving/": "serving",
    "tests/graph/": "graph",
    "tests/api/test_cli.py": "commands",
    "tests/ingestion/finetuning/": "adapter",
    **{
        f"tests/gnn/test_{name}.py": "model"
        for name in ("artifact", "explain", "left_out", "overlay", "scoring", "stand_ins", "train")
    },
}
# The shop of invoices is a set-up of its own.
APART = {"[retail]": "retail"}
FIRST = list(dict.fromkeys(["demo", "serving", "graph", "retail", *TOGETHER.values()]))


def group(nodeid: str) -> str:
    """What a test is run with: a file, but for those that share what they set up."""
    file, _, name = nodeid.partition("::")
    known = [group for part, group in APART.items() if part in name]
    return next(iter([*known, *(group for start, group in TOGETHER.items() if file.startswith(start))]), file)


class SharedSetUp(LoadScopeScheduling):
    """Files one by one, but those that share what they set up."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedSetUp:
    """The schedule of `make test`."""
    return SharedSetUp(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first; processes take them in the order of their first tests."""
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(group(item.nodeid), len(place)))
