import numpy as np
import pytest

from gnn.datasets import DatasetError, read_benchmark
from tests.gnn.datasets.tiny import asked, edges, pairs

TRAIN = "user_id,item_id,time\n1,10,100\n1,11,200\n1,11,150\n2,12,90\n"
DEV = "user_id,item_id,time\n1,12,300\n2,10,310\n"
TEST = "user_id,item_id,time\n1,13,400\n2,14,410\n3,10,420\n"
META = (
    "item_id,i_category,i_brand,i_price_f,r_complement,r_substitute,r_view\n"
    '10,5,7,1.5,"[11, 12]",[],[10]\n'
    '11,5,,2.5,[],"[10, 77]",[12]\n'
    "15,6,7,0.5,[],[],[]\n"
)
FILES = {"train.csv": TRAIN, "dev.csv": DEV, "test.csv.gz": TEST, "item_meta.csv": META}


def large(items: int) -> dict[str, str]:
    """One user with three products of a catalogue of many."""
    meta = "item_id,i_category\n" + "".join(f"{item},1\n" for item in range(items))
    head = "user_id,item_id,time\n"
    return {"train.csv": f"{head}1,0,1\n", "dev.csv": f"{head}1,1,2\n", "test.csv": f"{head}1,2,3\n"} | {
        "item_meta.csv": meta
    }


@pytest.fixture
def benchmark(write):
    return read_benchmark(write(FILES), "rechorus")


def test_events_are_those_of_train_at_their_earliest_time(benchmark):
    assert pairs(benchmark.shop) == {("1", "10"), ("1", "11"), ("2", "12")}
    assert benchmark.shop.events.time_ms.tolist() == [90_000, 100_000, 150_000]


def test_dev_is_the_validation_part_and_test_the_test_part(benchmark):
    assert asked(benchmark.shop, benchmark.validation.questions) == {"1": ["12"], "2": ["10"]}
    assert asked(benchmark.shop, benchmark.test) == {"1": ["13"], "2": ["14"], "3": ["10"]}


def test_a_question_is_asked_as_of_its_row(benchmark):
    assert benchmark.test.as_of_ms.tolist() == [400_000, 410_000, 420_000]


def test_candidates_are_the_answer_and_what_the_user_has_in_no_part(benchmark):
    found = asked(benchmark.shop, benchmark.test, candidates=True)
    assert found == {"1": ["13", "14", "15"], "2": ["11", "13", "14", "15"], "3": ["10", "11", "12", "13", "14", "15"]}


def test_of_many_products_99_different_ones_are_drawn(write):
    benchmark = read_benchmark(write(large(200)), "rechorus")
    for questions in (benchmark.test, benchmark.validation.questions):
        candidates = questions.candidates.of(0)
        assert len(candidates) == len(set(candidates.tolist())) == 100
        assert set(range(3)) & set(candidates.tolist()) == set(questions.answers.of(0).tolist())


def test_the_seed_alone_decides_which_are_drawn(write):
    folder = write(large(200))
    first, again, other = (read_benchmark(folder, "rechorus", seed=seed).test.candidates.products for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_product_is_drawn_as_often(write):
    folder = write(large(152))
    counts = sum(
        np.bincount(read_benchmark(folder, "rechorus", seed=seed).test.candidates.products, minlength=152)
        for seed in range(40)
    )
    # Of 149 products 99 are drawn 40 times: 26.6 on average, standard deviation 3.
    assert counts[3:].min() > 12
    assert counts[3:].max() <= 40
    assert counts[3:].sum() == 40 * 99


def test_negatives_of_the_file_are_used_where_it_has_them(write):
    test = "user_id\titem_id\ttime\tneg_items\n1\t13\t400\t[10, 99, 13]\n"
    benchmark = read_benchmark(write(FILES | {"test.csv.gz": test}), "rechorus")
    assert asked(benchmark.shop, benchmark.test, candidates=True) == {"1": ["10", "13", "99"]}


def test_categories_complements_and_substitutes_are_those_of_the_ontology(benchmark):
    shop = benchmark.shop
    assert edges(shop, "IN_CATEGORY") == {("10", "5"), ("11", "5"), ("15", "6")}
    assert edges(shop, "COMPLEMENTS") == {("10", "11"), ("10", "12")}
    assert edges(shop, "SUBSTITUTES") == {("11", "10")}  # 77 is no item
    assert any("1 ends of relations" in note for note in benchmark.notes)


def test_other_attributes_and_lists_get_relations_of_their_own(benchmark):
    assert edges(benchmark.shop, "HAS_BRAND") == {("10", "7"), ("15", "7")}
    assert edges(benchmark.shop, "VIEW") == {("11", "12")}
    assert not any("PRICE" in name for name in benchmark.shop.ontology.relations)


def test_relations_can_be_left_out_by_either_name(write):
    shop = read_benchmark(write(FILES), "rechorus", without={"r_complement", "SUBSTITUTES"}).shop
    assert edges(shop, "COMPLEMENTS") == edges(shop, "SUBSTITUTES") == set()
    assert edges(shop, "IN_CATEGORY")


def test_the_protocol_is_that_of_rechorus(benchmark):
    assert benchmark.metrics[:2] == ("hit_rate@5", "ndcg@5")
    assert benchmark.ties_against
    assert benchmark.rule == "last"


def test_the_file_of_items_may_be_missing_and_line_ends_may_be_those_of_windows(write):
    files = {name: text.replace("\n", "\r\n") for name, text in FILES.items() if name != "item_meta.csv"}
    assert len(read_benchmark(write(files), "rechorus").shop.events) == 3


def test_quoted_names_of_columns_are_names(write):
    files = FILES | {"train.csv": TRAIN.replace("user_id,item_id", '"user_id","item_id"')}
    assert len(read_benchmark(write(files), "rechorus").shop.events) == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("dev.csv", "user_id,item_id,time\n", "holds no interactions"),
        ("train.csv", "user_id,item_id,time\n1,2,NaN\n", "row 2: time is empty or NaN"),
        ("train.csv", "user_id,item_id,time\n1,2,3\n1,2,inf\n", "row 3: inf is not a time"),
        ("train.csv", "user_id,item_id,time\n1,2.5,3\n", "Row #2.*2.5"),
        ("item_meta.csv", "item_id,r_view\n10,[11\n", r"row 2: r_view is '\[11'"),
        ("item_meta.csv", 'item_id,r_view\n10,"[11, true]"\n', "row 2: r_view"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_row(write, name, text, message):
    with pytest.raises(DatasetError, match=message) as error:
        read_benchmark(write(FILES | {name: text}), "rechorus")
    assert name in str(error.value)


def test_amazon_grocery_is_read_whole(data_folder):
    benchmark = read_benchmark(data_folder("amazon_grocery"), "rechorus")
    shop = benchmark.shop
    assert (shop.users, shop.products, len(shop.events)) == (14_681, 8_713, 121_892)
    assert len(benchmark.test) == len(benchmark.validation.questions) == 14_681
    assert set(benchmark.test.candidates.lengths()) == {100}
    assert shop.events.time_ms.max() < benchmark.test.as_of_ms.max()
