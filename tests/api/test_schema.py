from api.graphql.schema import committed_sdl, sdl


def test_the_schema_is_the_one_that_clients_were_promised() -> None:
    remedy = "if the change is meant, run `python -m api.graphql > schema/public.graphql` and say so in the commit"
    assert sdl() == committed_sdl(), remedy
