import pytest

from gnn.datasets import DatasetError, read_benchmark
from gnn.incidence import incidences
from tests.gnn.datasets.tiny import asked, edges, pairs, tabs

KG = tabs(
    "asin relation tail_type tail",
    "A BELONGS_TO category Soap",
    "B BELONGS_TO category Soap",
    "A BELONGS_TO category Soap",  # repeated
    "A PRODUCED_BY brand Acme",
    "B PRODUCED_BY brand ",  # no tail
    "B PRODUCED_BY brand Acme",
    "B PRODUCED_BY brand Bolt",  # two brands
    "A ALSO_BOUGHT product B",
    "A ALSO_BOUGHT product X",
    "C ALSO_BOUGHT product X",
    "C ALSO_BOUGHT product C",  # itself
    "B ALSO_BOUGHT product A",  # a cycle
    "Z ALSO_BOUGHT product A",  # not in the catalogue
    "A described-as word fresh",
    "A KNOWS user Jo",
)
FILES = {
    "train.tsv": tabs("user product", "0 0", "0 1", "0 1", "1 2"),
    "test.tsv": tabs("user product", "0 2", "1 0", "1 5"),
    "products.tsv": tabs("product asin", "0 A", "1 B", "2 C", "3 D"),
    "users.tsv": tabs("user user_id", "0 ann", "1 bob"),
    "kg.tsv.gz": KG,
}


@pytest.fixture
def benchmark(write):
    return read_benchmark(write(FILES), "pgpr")


def test_products_and_users_have_the_names_of_their_files(benchmark):
    assert pairs(benchmark.shop) == {("ann", "A"), ("ann", "B"), ("bob", "C")}
    assert asked(benchmark.shop, benchmark.test) == {"ann": ["C"], "bob": ["A", "product 5"]}


def test_a_product_without_interactions_or_without_a_name_is_a_product(benchmark):
    assert benchmark.shop.ids["Product"] == ("A", "B", "C", "D", "product 5")


def test_categories_and_brands_are_those_of_the_ontology(benchmark):
    assert edges(benchmark.shop, "IN_CATEGORY") == {("A", "Soap"), ("B", "Soap")}
    assert edges(benchmark.shop, "MADE_BY") == {("A", "Acme"), ("B", "Acme"), ("B", "Bolt")}


def test_products_of_the_catalogue_are_related_to_each_other_but_not_to_themselves(benchmark):
    assert edges(benchmark.shop, "ALSO_BOUGHT") == {("A", "B"), ("B", "A")}


def test_products_that_list_the_same_product_outside_the_catalogue_share_it(benchmark):
    assert edges(benchmark.shop, "ALSO_BOUGHT_LIST") >= {("A", "X"), ("C", "X")}
    assert benchmark.shop.ontology.relations["ALSO_BOUGHT_LIST"].target == "RelatedProduct"


def test_any_other_relation_and_tail_type_gets_a_name_that_fits(benchmark):
    assert edges(benchmark.shop, "DESCRIBED_AS") == {("A", "fresh")}
    assert edges(benchmark.shop, "KG_KNOWS") == {("A", "Jo")}
    assert benchmark.shop.ids["KgUser"] == ("Jo",)


def test_what_is_wrong_with_triples_is_counted(benchmark):
    notes = " / ".join(benchmark.notes)
    for part in ("1 triples have no tail", "1 triples have a head", "1 triples are repeated", "1 products have more"):
        assert part in notes


def test_every_relation_becomes_a_term(benchmark):
    terms = {incidence.term.name for incidence in incidences(benchmark.shop)}
    assert {"ALSO_BOUGHT", "ALSO_BOUGHT_REVERSE", "ALSO_BOUGHT_LIST", "IN_CATEGORY", "MADE_BY"} <= terms


def test_a_relation_that_is_left_out_is_nowhere(write):
    shop = read_benchmark(write(FILES), "pgpr", without=frozenset({"ALSO_BOUGHT"})).shop
    assert not {"ALSO_BOUGHT", "ALSO_BOUGHT_LIST"} & set(shop.ontology.relations)
    assert "RelatedProduct" not in shop.ids


def test_the_list_alone_can_be_left_out(write):
    shop = read_benchmark(write(FILES), "pgpr", without={"ALSO_BOUGHT_LIST"}).shop
    assert "ALSO_BOUGHT" in shop.ontology.relations
    assert "ALSO_BOUGHT_LIST" not in shop.ontology.relations


def test_leaving_out_what_is_not_there_is_an_error(write):
    with pytest.raises(DatasetError, match="Did you mean ALSO_BOUGHT"):
        read_benchmark(write(FILES), "pgpr", without={"ALSO_BOUGT"})


def test_the_protocol_is_that_of_pgpr(benchmark):
    assert benchmark.metrics == ("ndcg@10", "recall@10", "hit_rate@10", "precision@10")
    assert "per cent" in benchmark.notes[0]


def test_a_graph_without_triples_is_a_shop_without_relations(write):
    shop = read_benchmark(write(FILES | {"kg.tsv.gz": tabs("asin relation tail_type tail")}), "pgpr").shop
    assert not any(len(found.source) for found in shop.edges.values())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train.tsv", "", "is empty"),
        ("train.tsv", tabs("user product"), "holds no interactions"),
        ("test.tsv", tabs("user product"), "holds no interactions"),
        ("train.tsv", tabs("user item", "0 0"), "no column product"),
        ("train.tsv", tabs("user user product", "0 0 0"), "column user is there more than once"),
        ("train.tsv", tabs("user product", "0 0", "0 x"), "Row #3.*x"),
        ("train.tsv", tabs("user product", "0 0", "0"), "Row #3.*Expected 2 columns"),
        ("train.tsv", tabs("user product", "0 0", "NaN 1"), "row 3: user is empty or NaN"),
        ("products.tsv", tabs("product asin", "0 A", "1 A"), "asin A is there more than once"),
        ("kg.tsv.gz", tabs("asin relation tail_type tail", "A BELONGS_TO category"), "Expected 4 columns"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_row(write, name, text, message):
    with pytest.raises(DatasetError, match=message) as error:
        read_benchmark(write(FILES | {name: text}), "pgpr")
    assert name in str(error.value)


def test_a_file_that_is_cut_off_is_an_error(write):
    folder = write(FILES)
    packed = folder / "kg.tsv.gz"
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=r"kg\.tsv\.gz"):
        read_benchmark(folder, "pgpr")


def test_text_that_is_not_utf8_is_an_error(write):
    folder = write(FILES)
    (folder / "products.tsv").write_bytes(b"product\tasin\n0\t\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"products\.tsv"):
        read_benchmark(folder, "pgpr")


def test_amazon_beauty_is_read_whole(data_folder):
    benchmark = read_benchmark(data_folder("amazon_beauty"), "pgpr")
    shop = benchmark.shop
    assert (shop.users, shop.products, len(shop.events)) == (22_363, 12_101, 149_844)
    assert len(benchmark.test.answers.products) == 48_658
    triples = sum(len(found.source) for name, found in shop.edges.items() if name.endswith(("_LIST", "Y")))
    assert triples + 18 == 1_115_330  # 18 have no tail
    assert benchmark.published[0].metrics["ndcg@10"] == 0.05449
