"""All that answers requests in one process, put together once and shared by every request."""

from dataclasses import dataclass

from api.audit import AuditLog
from api.encoding import EncoderProcess
from api.services.cursors import Cursors
from api.services.deletion import Deleter
from api.services.events import EventRecorder
from api.services.explanation import PathWriter
from api.services.exploration import Explorer
from api.services.feedback import FeedbackRecorder
from api.services.impressions import ImpressionLog
from api.services.knowledge import Expertise
from api.services.live import LiveModel
from api.services.products import ProductWriter
from api.services.recommendation import Recommender
from api.services.reports import Reports
from api.services.rulebook import Rulebook
from api.services.search import Searcher
from api.services.watching import Watcher
from graph import Store


@dataclass(frozen=True)
class Shop:
    """The services over one store and one live model; `impressions` is None where what is shown is not logged."""

    store: Store
    live: LiveModel
    encoder: EncoderProcess
    cursors: Cursors
    recommender: Recommender
    searcher: Searcher
    paths: PathWriter
    events: EventRecorder
    feedback: FeedbackRecorder
    impressions: ImpressionLog | None
    watcher: Watcher
    products: ProductWriter
    deleter: Deleter
    rules: Rulebook
    expertise: Expertise
    audit: AuditLog
    reports: Reports
    explorer: Explorer
