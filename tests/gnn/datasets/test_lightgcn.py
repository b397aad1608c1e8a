import pytest

from gnn.datasets import DatasetError, read_benchmark
from tests.gnn.datasets.tiny import asked, pairs

TRAIN = "0 10 11\n1 11 11 12\n2\n"
TEST = "0 12\n1 10 99\n2 10\n7 11\n3\n"


@pytest.fixture
def benchmark(write):
    return read_benchmark(write({"train.txt": TRAIN, "test.txt.gz": TEST}), "lightgcn")


def test_each_pair_of_train_is_one_event(benchmark):
    assert pairs(benchmark.shop) == {("0", "10"), ("0", "11"), ("1", "11"), ("1", "12")}
    assert len(benchmark.shop.events) == 4


def test_users_without_history_are_asked_too(benchmark):
    assert asked(benchmark.shop, benchmark.test) == {"0": ["12"], "1": ["10", "99"], "2": ["10"], "7": ["11"]}


def test_users_without_any_item_are_users_all_the_same(benchmark):
    assert benchmark.shop.ids["User"] == ("0", "1", "2", "3", "7")


def test_an_item_that_is_only_in_test_is_a_product(benchmark):
    assert benchmark.shop.ids["Product"] == ("10", "11", "12", "99")


def test_the_protocol_is_that_of_lightgcn(benchmark):
    assert benchmark.metrics[:2] == ("recall@20", "ndcg@20")
    assert (benchmark.rule, benchmark.validation, benchmark.test.candidates) == ("share", None, None)
    assert not benchmark.test.repeats


def test_all_is_at_one_moment_since_the_order_of_a_line_is_no_time(benchmark):
    assert set(benchmark.shop.events.time_ms) == set(benchmark.test.as_of_ms) == {benchmark.shop.as_of_ms} == {0}


def test_windows_line_ends_and_a_last_line_without_end_change_nothing(write, benchmark):
    folder = write({"train.txt": TRAIN.replace("\n", "\r\n"), "test.txt.gz": TEST.rstrip()})
    again = read_benchmark(folder, "lightgcn")
    assert asked(again.shop, again.test) == asked(benchmark.shop, benchmark.test)
    assert pairs(again.shop) == pairs(benchmark.shop)


def test_a_test_pair_that_is_in_train_is_not_asked_for_and_the_notes_say_so(write):
    benchmark = read_benchmark(write({"train.txt": "0 1 2\n", "test.txt": "0 2 3\n"}), "lightgcn")
    assert asked(benchmark.shop, benchmark.test) == {"0": ["3"]}
    assert any("1 held-out pairs" in note for note in benchmark.notes)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("", "0 1\n", r"train\.txt: is empty"),
        ("\n\n", "0 1\n", r"train\.txt: is empty"),
        ("0\n", "0 1\n", r"train\.txt: holds no interactions"),
        ("0 1\n", "0\n", r"test\.txt: holds no interactions"),
        ("0 1\n1 2 NaN\n", "0 1\n", r"train\.txt: line 2: .*NaN"),
        ("0 1\n", "0 1.5\n", r"test\.txt: line 1: .*1\.5"),
        ("0 99999999999999999999\n", "0 1\n", r"train\.txt: line 1: .*64 bits"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_line(write, train, test, message):
    with pytest.raises(DatasetError, match=message):
        read_benchmark(write({"train.txt": train, "test.txt": test}), "lightgcn")


def test_a_missing_file_is_an_error_that_names_it(write):
    with pytest.raises(DatasetError, match=r"no file test\.txt"):
        read_benchmark(write({"train.txt": TRAIN}), "lightgcn")


def test_a_file_that_is_cut_off_is_an_error(write):
    folder = write({"train.txt.gz": TRAIN, "test.txt": TEST})
    packed = folder / "train.txt.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DatasetError, match="cannot be read"):
        read_benchmark(folder, "lightgcn")


def test_gowalla_is_read_whole(data_folder):
    benchmark = read_benchmark(data_folder("gowalla"), "lightgcn")
    shop = benchmark.shop
    assert (shop.users, shop.products, len(shop.events)) == (29_858, 40_981, 810_128)
    assert (len(benchmark.test), len(benchmark.test.answers.products)) == (29_858, 217_242)
    assert {row.model for row in benchmark.published} >= {"LightGCN", "BSPM-EM"}
