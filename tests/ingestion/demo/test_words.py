from ingestion.demo.words import slug, words


def test_whatever_a_kind_of_product_names_is_described() -> None:
    names = {place.name for place in words().places}
    for place in words().places:
        assert set(place.leaf.goes_with) <= names - {place.name}
        assert set(place.leaf.materials) <= set(words().materials)
        assert set(place.leaf.colours) <= set(words().colours)
        assert place.leaf.price[0] < place.leaf.price[1]


def test_ids_of_categories_and_brands_are_unique() -> None:
    tree = [name for department, groups in words().departments.items() for name in (department, *groups)]
    categories = [slug(name) for name in (*tree, *(place.name for place in words().places))]
    assert len(set(categories)) == len(categories)
    assert len({slug(brand) for brand in words().brands}) == len(words().brands) == 60


def test_a_name_becomes_an_id() -> None:
    assert slug("Shoes & accessories") == "shoes-accessories"
    assert slug("Orrin & Pell") == "orrin-pell"
