"""What a user is interested in, by their own events alone, and what each interest comes from."""

from dataclasses import dataclass

from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError
from api.services.recommendation import Recommender
from api.services.viewing import Audience, Unit, Viewing
from gnn.profile import Leaning, Profile, profile


@dataclass(frozen=True)
class Leant:
    """An interest at its place, from 1: a node of a type, and the relation of products to it."""

    relation: str
    type: str
    node: str
    weight: float
    rank: int
    leaning: Leaning


@dataclass(frozen=True)
class ProfilePage:
    """A part of a user's interests, the heaviest first."""

    viewing: Viewing
    question: str
    profile: Profile
    items: tuple[Leant, ...]
    has_next: bool

    def evidence(self, found: Leant) -> list[tuple[str, Unit, float]]:
        """Kind, unit of the history and weight of all that an interest's weight is the sum of, the largest first."""
        units = self.viewing.units
        return [(part.kind, units[part.unit], part.weight) for part in self.profile.evidence(found.leaning)]

    def place(self, found: Leant) -> Position:
        """What a cursor after an interest has to say."""
        viewing = self.viewing
        return Position(viewing.as_of, viewing.state.model_version, self.question, found.rank, found.weight, found.node)


def profile_page(recommender: Recommender, user_id: str, first: int, after: Position | None) -> ProfilePage:
    """A user's interests from a place on; the moment of a place is that of its list.

    Raises:
        BadInputError: the place is of another list.
        CursorExpiredError: its model is no longer served.
    """
    question = question_digest("interests", user_id)
    if after is not None and after.question != question:
        remedy = "pass the cursor with the user it came with"
        raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)
    moment = (after.as_of, after.model_version) if after is not None else (None, None)
    viewing = recommender.view(Audience(user_id=user_id), *moment)
    scorer = viewing.state.scorer
    found = profile(scorer, viewing.history, viewing.as_of)
    start = after.rank if after is not None else 0
    relations = scorer.ontology.relations
    items = tuple(
        Leant(one.relation, relations[one.relation].target, one.node, one.weight, start + number, one)
        for number, one in enumerate(found.leanings[start : start + first], 1)
    )
    return ProfilePage(viewing, question, found, items, len(found.leanings) > start + first)
