import numpy as np
import pytest

from gnn.datasets import DatasetError, read_benchmark
from tests.gnn.datasets.tiny import asked, edges, pairs, tabs

INTER = "user_id:token item_id:token rating:float timestamp:float"


def rows(user: str, count: int, first: int = 1) -> list[str]:
    return [f"{user} i{n} 1.0 {n}" for n in range(first, first + count)]


def inter(*lines: str) -> str:
    return tabs(INTER, *lines)


FILES = {
    "tiny.inter": inter(*rows("a", 20), *rows("b", 3), *rows("c", 2), *rows("d", 1), "a i1 2.0 5"),
    "tiny.item": "item_id:token\tgenre:token_seq\tmaker:token\tprice:float\ni1\tfun sad\tm\t1.0\ni99\tfun\t\tNaN\n",
    "tiny.kg": tabs(
        "head_id:token relation_id:token tail_id:token", "e1 film.star x", "e2 film.star x", "y likes! e1", "x is y"
    ),
    "tiny.link": tabs("item_id:token entity_id:token", "i1 e1", "i2 e2", "gone e3"),
}


@pytest.fixture
def folder(write):
    return write(FILES)


def sizes(benchmark) -> dict[str, tuple[int, int, int]]:
    shop = benchmark.shop
    valid, test = asked(shop, benchmark.validation.questions), asked(shop, benchmark.test)
    train = {name: sum(user == name for user, _ in pairs(shop)) for name in shop.ids["User"]}
    return {name: (count, len(valid.get(name, ())), len(test.get(name, ()))) for name, count in train.items()}


def test_each_user_is_split_as_recbole_splits(folder):
    assert sizes(read_benchmark(folder, "recbole")) == {"a": (16, 2, 2), "b": (1, 1, 1), "c": (1, 0, 1), "d": (1, 0, 0)}


def test_by_time_the_last_ones_are_asked(folder):
    benchmark = read_benchmark(folder, "recbole-time")
    assert asked(benchmark.shop, benchmark.test) == {"a": ["i19", "i20"], "b": ["i3"], "c": ["i2"]}
    assert asked(benchmark.shop, benchmark.validation.questions) == {"a": ["i17", "i18"], "b": ["i2"]}
    assert benchmark.test.as_of_ms.tolist() == [19_000, 3_000, 2_000]


def test_at_random_a_question_is_asked_after_all_that_is_seen_of_its_user(folder):
    benchmark = read_benchmark(folder, "recbole", seed=1)
    events = benchmark.shop.events
    for user, moment in zip(benchmark.test.user, benchmark.test.as_of_ms, strict=True):
        assert events.time_ms[events.user == user].max() <= moment


def test_seeds_give_other_splits_and_the_same_seed_the_same(folder):
    first, again, other = (read_benchmark(folder, "recbole", seed=seed) for seed in (1, 1, 2))
    assert pairs(first.shop) == pairs(again.shop) != pairs(other.shop)


def test_parts_of_the_folder_are_used_as_they_are(write):
    parts = {
        "tiny.train.inter": inter(*rows("a", 4)),
        "tiny.valid.inter": inter("a i5 1 5", "a i1 1 6"),
        "tiny.test.inter": inter("a i6 1 7", "z i7 1 8"),
    }
    benchmark = read_benchmark(write(FILES | parts), "recbole")
    assert pairs(benchmark.shop) == {("a", f"i{n}") for n in range(1, 5)}
    assert asked(benchmark.shop, benchmark.validation.questions) == {"a": ["i5"]}
    assert asked(benchmark.shop, benchmark.test) == {"a": ["i6"], "z": ["i7"]}


def test_a_folder_may_lack_the_validation_part_and_times(write):
    header = "user_id:token item_id:token"
    parts = {"x.train.inter": tabs(header, "a i1"), "x.test.inter.gz": tabs(header, "a i2")}
    benchmark = read_benchmark(write(parts), "recbole")
    assert benchmark.validation is None
    assert benchmark.test.as_of_ms.tolist() == [0]


def test_a_pair_that_is_there_twice_counts_once_at_its_earliest_time(folder):
    benchmark = read_benchmark(folder, "recbole-time")
    events = benchmark.shop.events
    first = benchmark.shop.ids["Product"].index("i1")
    assert events.time_ms[events.product == first].tolist() == [1_000] * 4


def test_attributes_of_items_are_shared_and_numbers_left_out(folder):
    shop = read_benchmark(folder, "recbole").shop
    assert edges(shop, "HAS_GENRE") == {("i1", "fun"), ("i1", "sad"), ("i99", "fun")}
    assert edges(shop, "HAS_MAKER") == {("i1", "m")}
    assert "HAS_PRICE" not in shop.ontology.relations


def test_triples_lead_from_items_to_entities(folder):
    shop = read_benchmark(folder, "recbole").shop
    assert edges(shop, "KG_FILM_STAR") == {("i1", "x"), ("i2", "x")}
    assert edges(shop, "KG_LIKES_OF") == {("i1", "y")}


def test_files_of_items_and_triples_may_hold_a_header_alone(write):
    empty = {name: FILES[name].partition("\n")[0] + "\n" for name in ("tiny.item", "tiny.kg", "tiny.link")}
    shop = read_benchmark(write(FILES | empty), "recbole").shop
    assert not any(len(found.source) for found in shop.edges.values())


def test_of_many_relations_the_largest_stay_and_the_rest_is_one(write):
    heads = [f"e1 r{n} x{m}" for n in range(60) for m in range(1 + n % 7)]
    kg = tabs("head_id:token relation_id:token tail_id:token", *heads)
    shop = read_benchmark(write(FILES | {"tiny.kg": kg}), "recbole").shop
    names = [name for name in shop.ontology.relations if name.startswith("KG_")]
    assert len(names) == 50
    smallest = min(len(shop.edges[name].source) for name in names if name != "KG_OTHER")
    assert smallest > 1
    assert edges(shop, "KG_OTHER") == {("i1", "x0"), ("i1", "x1")}


def test_the_protocol_is_that_of_recbole(folder):
    benchmark = read_benchmark(folder, "recbole")
    assert benchmark.metrics == ("recall@10", "ndcg@10", "mrr@10", "hit_rate@10", "precision@10")
    assert benchmark.test.candidates is None


def test_milliseconds_stay_milliseconds(write):
    benchmark = read_benchmark(write({"tiny.inter": inter("a i1 1 1700000000000", "a i2 1 1700000000500")}), "recbole")
    assert np.isin(benchmark.shop.events.time_ms, [1700000000000, 1700000000500]).all()


def test_a_split_by_time_without_times_is_an_error(write):
    text = tabs("user_id:token item_id:token", "a i1", "a i2")
    with pytest.raises(DatasetError, match="no column timestamp:float"):
        read_benchmark(write({"tiny.inter": text}), "recbole-time")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tiny.inter": ""}, "is empty"),
        ({"tiny.inter": inter()}, "holds no interactions"),
        ({"tiny.inter": inter("a i1 1 1")}, "holds no interactions"),
        ({"tiny.inter": inter("a  1 1")}, "row 2: item_id is empty"),
        ({"tiny.inter": inter("a i1 1 nan")}, "row 2: timestamp:float is empty or NaN"),
        ({"tiny.inter": inter("a i1 1")}, "Expected 4 columns"),
        ({"tiny.inter": tabs("user_id:token", "a")}, "no column item_id:token"),
        ({"tiny.train.inter": inter("a i1 1 1")}, r"no file tiny\.test\.inter"),
        ({"x.inter": inter("a i1 1 1"), "y.inter": inter("a i1 1 1")}, "there is x, y"),
        ({"x.inter.bak": ""}, "there is none"),
        (
            {
                "tiny.inter": inter(*rows("a", 5)),
                "tiny.kg": tabs("head_id:token relation_id:token tail_id:token", "a b c"),
            },
            r"no file tiny\.link",
        ),
    ],
)
def test_a_damaged_folder_is_an_error_that_says_what_is_wrong(write, files, message):
    with pytest.raises(DatasetError, match=message):
        read_benchmark(write(files), "recbole")
