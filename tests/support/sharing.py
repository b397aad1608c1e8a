"""A pytest plugin: which process of pytest-xdist runs which tests."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What takes long to set up is set up once: the demo, and the servers that live as long as the tests.
TOGETHER = {
    "tests/api/test_demo.py": "demo",
    "tests/test_readme.py": "demo",
    "tests/test_exactness.py": "demo",
    "tests/api/serving/": "serving",
    "tests/graph/": "graph",
}


class SharedSetUp(LoadScopeScheduling):
    """Files one by one, but those that share what they set up."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for start, group in TOGETHER.items() if file.startswith(start)), file)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedSetUp:
    """The schedule of `make test`."""
    return SharedSetUp(config, log)
