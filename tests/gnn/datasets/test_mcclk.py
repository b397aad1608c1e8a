import numpy as np
import pytest

from gnn.datasets import DatasetError, read_benchmark
from tests.gnn.datasets.tiny import asked, edges, pairs, tabs

USERS, ITEMS = 12, 30


def ratings(seed: int = 0) -> list[tuple[int, int, int]]:
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(USERS * ITEMS)[:150]
    return [(int(n // ITEMS), int(n % ITEMS), int(generator.integers(2))) for n in chosen]


def triples() -> list[tuple[int, int, int]]:
    return [(0, 0, 40), (1, 0, 40), (1, 0, 40), (41, 1, 2), (40, 2, 41), (3, 3, 4), (5, 5, 5), (6, 7, 0), (0, 7, 6)]


def files(rows, graph) -> dict[str, str]:
    return {
        "ratings.tsv.gz": tabs("user item label", *(f"{u} {i} {label}" for u, i, label in rows)),
        "kg.tsv": tabs("head relation tail", *(f"{h} {r} {t}" for h, r, t in graph)),
    }


@pytest.fixture
def benchmark(write):
    return read_benchmark(write(files(ratings(), triples())), "mcclk", seed=3)


def test_events_are_positives_alone(benchmark):
    liked = {(str(u), str(i)) for u, i, label in ratings() if label}
    assert pairs(benchmark.shop) < liked


def test_every_pair_is_in_exactly_one_part_and_the_parts_are_6_to_2_to_2(benchmark):
    parts = [benchmark.validation.questions, benchmark.test]
    held = [
        {(user, item) for user, items in asked(benchmark.shop, part, candidates=True).items() for item in items}
        for part in parts
    ]
    assert [len(part) for part in held] == [30, 30]
    assert not held[0] & held[1]
    assert not (held[0] | held[1]) & pairs(benchmark.shop)
    positives = {(str(u), str(i)) for u, i, label in ratings() if label}
    assert pairs(benchmark.shop) == positives - held[0] - held[1]


def test_answers_are_the_positives_of_the_candidates(benchmark):
    labels = {(str(u), str(i)): label for u, i, label in ratings()}
    candidates = asked(benchmark.shop, benchmark.test, candidates=True)
    answers = asked(benchmark.shop, benchmark.test)
    assert answers == {user: [i for i in items if labels[user, i]] for user, items in candidates.items()}


def test_seeds_give_other_splits_and_the_same_seed_the_same(write):
    folder = write(files(ratings(), triples()))
    first, again, other = (read_benchmark(folder, "mcclk", seed=seed) for seed in (1, 1, 2))
    assert pairs(first.shop) == pairs(again.shop) != pairs(other.shop)


@pytest.mark.parametrize("seed", range(3))
def test_permuting_users_and_items_permutes_the_benchmark_and_nothing_else(write, seed):
    """So nothing in it can come from an id, as in data whose negatives were sampled by id."""
    generator = np.random.default_rng(seed)
    users, items = generator.permutation(USERS), np.append(generator.permutation(ITEMS), np.arange(ITEMS, 60))
    plain = read_benchmark(write(files(ratings(), triples())), "mcclk", seed=5)
    moved = read_benchmark(
        write(
            files(
                [(users[u], items[i], label) for u, i, label in ratings()],
                [(items[h], r, items[t]) for h, r, t in triples()],
            )
        ),
        "mcclk",
        seed=5,
    )

    def renamed(found: dict[str, list[str]]) -> dict[str, list[str]]:
        return {str(users[int(u)]): sorted(str(items[int(i)]) for i in lists) for u, lists in found.items()}

    assert pairs(moved.shop) == {(str(users[int(u)]), str(items[int(i)])) for u, i in pairs(plain.shop)}
    for one, other in ((plain.test, moved.test), (plain.validation.questions, moved.validation.questions)):
        for candidates in (False, True):
            assert asked(moved.shop, other, candidates=candidates) == renamed(
                asked(plain.shop, one, candidates=candidates)
            )
    assert set(plain.shop.ontology.relations) == set(moved.shop.ontology.relations)
    for name in plain.shop.ontology.relations:
        expected = {(str(items[int(s)]), str(items[int(t)])) for s, t in edges(plain.shop, name)}
        assert edges(moved.shop, name) == expected


def test_there_is_nothing_but_events_and_relations(benchmark):
    shop = benchmark.shop
    assert not shop.features
    assert set(shop.events.time_ms) == set(benchmark.test.as_of_ms) == {0}
    assert len(set(zip(shop.events.user, shop.events.product, strict=True))) == len(shop.events)
    assert not shop.ontology.relations_between("User", "Entity")


def test_triples_lead_from_items_to_entities_in_either_direction(benchmark):
    shop = benchmark.shop
    assert edges(shop, "KG_0") == {("0", "40"), ("1", "40")}
    assert edges(shop, "KG_1_OF") == {("2", "41")}
    assert "KG_2" not in shop.ontology.relations  # without an item
    assert edges(shop, "KG_3") == {("3", "4")}
    assert edges(shop, "KG_3_OF") == {("4", "3")}
    assert edges(shop, "KG_7") == {("0", "6"), ("6", "0")}  # a cycle
    assert any("1 triples without an item" in note for note in benchmark.notes)


def test_a_relation_left_out_goes_in_both_directions(write):
    shop = read_benchmark(write(files(ratings(), triples())), "mcclk", without={"3"}).shop
    assert not {"KG_3", "KG_3_OF"} & set(shop.ontology.relations)


def test_a_graph_without_triples_is_a_shop_without_relations(write):
    shop = read_benchmark(write(files(ratings(), [])), "mcclk").shop
    assert not any(len(found.source) for found in shop.edges.values())


def test_users_and_items_without_positives_in_train_stay(write):
    rows = [*ratings(), (99, 29, 0)]
    shop = read_benchmark(write(files(rows, triples())), "mcclk").shop
    assert "99" in shop.ids["User"]
    assert set(shop.ids["Product"]) == {str(item) for _, item, _ in rows}


def test_a_pair_that_is_there_twice_counts_once_and_one_with_both_labels_is_liked(write):
    rows = [row for row in ratings() if row[:2] != (0, 0)]
    extra = [(0, 0, 0), (0, 0, 1), rows[0]]
    benchmark = read_benchmark(write(files(rows + extra, triples())), "mcclk")
    held = [asked(benchmark.shop, q) for q in (benchmark.test, benchmark.validation.questions)]
    assert ("0", "0") in pairs(benchmark.shop) or any("0" in part.get("0", []) for part in held)
    assert "1 pairs are labelled both ways and count as liked" in benchmark.notes


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no interactions"),
        ([(0, 1, 1), (0, 2, 0)], "holds no interactions"),
        ([(0, 1, 1), (0, 2, 5)], "row 3: the label is 5"),
        ([(0, 1, 1), (0, "x", 1)], "Row #3.*x"),
    ],
)
def test_a_damaged_file_is_an_error(write, rows, message):
    with pytest.raises(DatasetError, match=message):
        read_benchmark(write(files(rows, triples())), "mcclk")


def test_book_crossing_is_read_whole(data_folder):
    benchmark = read_benchmark(data_folder("mcclk_book"), "mcclk")
    assert (benchmark.shop.users, benchmark.shop.products) == (17_860, 14_967)
    assert len(benchmark.test.candidates.products) == len(benchmark.validation.questions.candidates.products) == 27_949
    assert {row.model for row in benchmark.published} >= {"KGIN", "MCCLK"}
