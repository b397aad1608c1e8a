"""Full-text search, on each engine: what one of them finds the others find."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from graph import Named, ProductRecord, Query, Store, connect
from graph.search import all_of, any_of_them
from tests.conftest import empty

TITLES = {
    "mugs": ("Red mugs of the house", "with a big handle"),
    "lamp": ("Blue lamp", None),
    "shade": ("Shade", "for a lamp"),
    "shirt": ("T-shirt red", None),
    "book": ("C++ book / guide (2nd)", None),
    "zh": ("红色陶瓷马克杯", "大号"),
    "ja": ("赤いマグカップ セット", "陶器"),
    "kana": ("ｶﾞﾗｽ コップ", None),
    "ko": ("빨간 머그컵", None),
    "ar": ("الكوب الأحمر الكبير", "سيراميك"),
    "ar2": ("كوب أزرق", "صغير"),
    "ru": ("Красная кружка", None),
    "gift": ("🎁 wrap", None),
}


@pytest.fixture(scope="module")
def filled(store_url: str) -> Iterator[Store]:
    """A store with products of many scripts, on each engine in turn; tests leave it as it was."""
    titles, descriptions = zip(*TITLES.values(), strict=True)
    with connect(store_url) as store:
        empty(store)
        store.prepare()
        store.load_nodes("Product", pa.table({"id": list(TITLES), "title": titles, "description": descriptions}))
        store.load_nodes("Category", pa.table({"id": ["c1"], "name": ["Kitchen mugs"]}))
        store.load_nodes("Brand", pa.table({"id": ["b1"], "name": ["Mugsy"]}))
        yield store


def found(store: Store, text: str, *, every: bool = True) -> set[str]:
    return set(store.find_texts(text.split(), every=every)["Product"])


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("mug", {"mugs"}),
        ("MUGS red", {"mugs"}),
        ("handle mug", {"mugs"}),  # one in the title, one in the description
        ("lamps", {"lamp", "shade"}),
        ("the", {"mugs"}),
        ("t-shirt", {"shirt"}),
        ("c++", {"book"}),
        ("红色", {"zh"}),
        ("陶瓷", {"zh"}),
        ("杯", {"zh"}),
        ("红色马克杯", {"zh"}),  # with something in between
        ("マグ", {"ja"}),
        ("マグカップ", {"ja"}),
        ("ガラス", {"kana"}),  # written in half width
        ("머그", {"ko"}),
        ("كوب", {"ar", "ar2"}),  # with the article and without
        ("الكوب", {"ar", "ar2"}),
        ("كوب أحمر", {"ar"}),
        ("кружка", {"ru"}),
        ("🎁", {"gift"}),
        ("blue kettle", set()),
    ],
)
def test_what_has_every_word_is_found_in_any_script(filled: Store, text: str, ids: set[str]) -> None:
    assert found(filled, text) == ids


def test_any_word_is_enough_where_it_is_asked_for(filled: Store) -> None:
    assert found(filled, "blue kettle") == set()
    assert found(filled, "blue kettle", every=False) == {"lamp"}
    scores = filled.find_texts(["blue", "lamp"], every=False)["Product"]
    assert scores["lamp"] > scores["shade"] > 0


def test_names_of_categories_and_brands_are_found_as_well(filled: Store) -> None:
    hits = filled.find_texts(["mugs"], every=True)
    assert set(hits) == {"Product", "Category", "Brand"}
    assert (set(hits["Category"]), set(hits["Brand"])) == ({"c1"}, set())
    assert set(filled.find_texts(["mugsy"], every=True)["Brand"]) == {"b1"}


@pytest.mark.parametrize(
    "word", [*'+-&|!(){}[]^"~*?:\\/', "&&", "||", "AND", "or", "NOT", "title:red", "[a TO b]", "\\"]
)
@pytest.mark.parametrize("every", [True, False])
def test_what_is_an_operator_for_the_engines_is_a_word_like_others(filled: Store, word: str, every: bool) -> None:
    assert "mugs" not in found(filled, word, every=every) - found(filled, "red", every=every)
    assert "lamp" in found(filled, f"{word} lamp", every=False)


def test_words_beyond_measure_are_answered(filled: Store) -> None:
    assert found(filled, "x" * 10_000) == set()
    assert found(filled, "lamp " * 250, every=True) == {"lamp", "shade"}
    assert found(filled, "", every=True) == set()


def test_what_was_written_last_is_found_and_what_was_deleted_is_not(filled: Store) -> None:
    filled.upsert_products([ProductRecord("new", {"title": "Brass kettle"}, categories=[Named("c2", "Kettles")])])
    assert found(filled, "kettle") == {"new"}
    assert set(filled.find_texts(["kettle"], every=True)["Category"]) == {"c2"}
    filled.upsert_products([ProductRecord("new", {"title": "Copper pot"})])
    assert found(filled, "kettle") == set()
    assert found(filled, "pot") == {"new"}
    filled.delete_products(["new"])
    assert found(filled, "pot") == set()


def test_a_store_of_before_gets_its_indexes_when_it_is_prepared(filled: Store) -> None:
    if filled.engine != "neo4j":
        pytest.skip("the embedded engine makes and drops indexes by SQL alone")
    filled._connection.rows(Query("DROP INDEX Product_title_description_cjk"), write=True)
    filled._connection.rows(Query("CREATE FULLTEXT INDEX old FOR (n:Product) ON EACH [n.title]"), write=True)
    filled.prepare()
    assert "old" not in {row["name"] for row in filled.read(Query("SHOW FULLTEXT INDEXES YIELD name"))}
    assert found(filled, "マグ") == {"ja"}


def test_the_texts_of_queries_have_no_operators_of_the_user() -> None:
    assert all_of(['a"b', "C\\", "AND"]) == '+"a\\"b"~100 +"c\\\\"~100 +"and"~100'
    assert any_of_them(["(a", "OR", "b*"]) == "\\(a or b\\*"
