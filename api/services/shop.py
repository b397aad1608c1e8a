"""All that answers requests in one process, put together once and shared by every request."""

from dataclasses import dataclass

from api.encoding import EncoderProcess
from api.services.cursors import Cursors
from api.services.deletion import Deleter
from api.services.events import EventRecorder
from api.services.explanation import PathWriter
from api.services.live import LiveModel
from api.services.products import ProductWriter
from api.services.recommendation import Recommender
from api.services.reports import Reports
from api.services.rulebook import Rulebook
from api.services.search import Searcher
from graph import Store


@dataclass(frozen=True)
class Shop:
    """The services over one store and one live model."""

    store: Store
    live: LiveModel
    encoder: EncoderProcess
    cursors: Cursors
    recommender: Recommender
    searcher: Searcher
    paths: PathWriter
    events: EventRecorder
    products: ProductWriter
    deleter: Deleter
    reports: Reports
    rules: Rulebook
