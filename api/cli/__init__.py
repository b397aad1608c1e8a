"""The command `pathrec`. Each module holds one group of commands; what they do lives in the rooms.

Nothing heavy is imported until a command needs it, so that `pathrec --help` is quick and
`pathrec serve` never loads torch.
"""

import errno
import logging
import os
import sys
import warnings

import structlog
import typer

from api import console
from api.cli import (
    analyse,
    cypher,
    data,
    exports,
    keys,
    knowledge,
    labels,
    model,
    queries,
    rdf,
    recommend,
    service,
    shop,
)
from schema.errors import PathrecError

app = typer.Typer(
    name="pathrec",
    help="A knowledge-graph recommender whose every score is the exact sum of graph paths.",
    epilog="Start with: pathrec demo",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (shop, data, exports, rdf, labels, model, recommend, cypher, queries, analyse, knowledge, service, keys):
    group.register(app)

_NOT_OUR_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def main() -> None:
    """Runs a command. Exit codes: 0 done, 1 failed with a reason, 2 wrong usage, 130 interrupted."""
    # Read once, when torch loads OpenMP. Threads that spin while they wait make training several times
    # slower as soon as something else works on the same cores, and the embedded engine always does.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Standard output belongs to results; a library that logs must not spoil a JSON document there.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    if not sys.warnoptions:
        # What libraries deprecate among themselves is nothing that a user could act on.
        warnings.simplefilter("ignore")
    try:
        app()
    except PathrecError as failure:
        console.error(str(failure))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as failure:
        if failure.errno not in _NOT_OUR_FAULT:
            raise
        console.error(f"{failure.filename or 'a file'}: {failure.strerror}; free some space or name another place")
        sys.exit(1)
