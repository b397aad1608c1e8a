import httpx
import pytest
from served_shop import Client


def send(shop: Client, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in {"content_type": "application/json", **headers}.items()}
    return shop.http.post(f"{shop.url}/graphql", content=body, headers=named)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"query": 1}', b"\xff", b'{"query": "{model{version}}", "variables": []}']
)
def test_a_body_that_is_no_request_is_refused(shop: Client, body: bytes) -> None:
    response = send(shop, body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_only_json_is_taken_so_that_no_web_page_can_post_a_form(shop: Client) -> None:
    assert send(shop, b'{"query": "{ model { version } }"}', content_type="text/plain").status_code == 415


def test_a_query_that_is_wrong_is_refused_with_the_place(shop: Client) -> None:
    for query in ("{ nothing }", "{", "query($a: Nope) { model { version } }"):
        response = shop.http.post(f"{shop.url}/graphql", json={"query": query})
        assert response.status_code == 400
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert error["locations"]


def test_a_query_that_is_too_deep_is_refused(shop: Client) -> None:
    query = "id"
    for _ in range(10):
        query = f"similar(first: 1) {{ edges {{ node {{ {query} }} }} }}"
    response = shop.http.post(f"{shop.url}/graphql", json={"query": f'{{ product(productId: "p1") {{ {query} }} }}'})
    assert response.status_code == 400
    assert "levels deep" in response.json()["errors"][0]["message"]


def test_a_wrong_variable_is_refused(shop: Client) -> None:
    response = shop.http.post(
        f"{shop.url}/graphql",
        json={"query": "query($n: Int) { recommendations(audience: {}, first: $n) { asOf } }", "variables": {"n": "x"}},
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_large_body_is_refused_with_and_without_a_declared_length(shop: Client) -> None:
    large = b'{"query": "' + b"#" * 3_000_000 + b'"}'
    assert send(shop, large).status_code == 413
    response = shop.http.post(
        f"{shop.url}/graphql", content=iter([large]), headers={"content-type": "application/json"}
    )
    assert response.status_code == 413


def test_another_name_for_this_machine_is_refused(shop: Client) -> None:
    assert send(shop, b'{"query": "{ model { version } }"}', host="evil.example").status_code == 403
    assert send(shop, b'{"query": "{ model { version } }"}', host="localhost:80").status_code == 200


def test_each_answer_carries_the_id_of_its_request(shop: Client) -> None:
    assert send(shop, b'{"query": "{ model { version } }"}', x_request_id="mine-1").headers["x-request-id"] == "mine-1"
    assert len(send(shop, b"{}", x_request_id="bad id").headers["x-request-id"]) == 32


def test_introspection_and_the_page_for_people_are_there(shop: Client) -> None:
    assert shop.ask("{ __schema { types { name fields { name type { name ofType { name ofType { name } } } } } } }")
    page = shop.http.get(f"{shop.url}/graphql")
    assert page.headers["content-type"].startswith("text/html")
    assert "GraphiQL" in page.text


def test_health_and_readiness(shop: Client) -> None:
    assert shop.http.get(f"{shop.url}/healthz").json() == {"status": "alive"}
    ready = shop.http.get(f"{shop.url}/readyz")
    assert ready.status_code == 200
    found = ready.json()
    assert found["store"]["status"] == found["artifact"]["status"] == "ready"
    assert found["encoder"]["status"] in ("starting", "ready")


def test_pictures_are_served_with_caching(shop: Client) -> None:
    response = shop.http.get(f"{shop.url}/images/mug%201.png")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert "max-age" in response.headers["cache-control"]
    again = shop.http.get(f"{shop.url}/images/mug%201.png", headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304 or again.content == response.content


@pytest.mark.parametrize(
    "name", ["../secret.png", "%2e%2e/secret.png", "..%2fsecret.png", "/etc/passwd", "none.png", "a%00.png", ""]
)
def test_nothing_outside_the_picture_folder_is_served(shop: Client, name: str) -> None:
    url = httpx.URL(shop.url).copy_with(raw_path=f"/images/{name}".encode())
    response = shop.http.get(url)
    assert response.status_code == 404
    assert b"not for you" not in response.content


def test_an_answer_is_packed_for_whoever_reads_it_so(shop: Client) -> None:
    def answer(accepted: str) -> httpx.Response:
        body = {"query": "{ products(first: 30, sortKey: TITLE) { edges { node { productId title } } } }"}
        return shop.http.post(f"{shop.url}/graphql", json=body, headers={"accept-encoding": accepted})

    packed, plain = answer("gzip"), answer("identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert all("accept-encoding" in response.headers["vary"] for response in (packed, plain))
