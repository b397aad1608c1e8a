import pytest

from api.services.understanding import QUERY_LIMIT, Understood, understood


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("  Red\t MUG \n", "red mug"),
        ("ｶﾞﾗｽ　ＭＵＧ", "ガラス mug"),
        ("ﬁne", "fine"),
        ("a\x00b", "a b"),
        ("mug\ud800", "mug"),
        ("🎁", "🎁"),
        ("c++ (2nd)", "c++ (2nd)"),
        ("", ""),
        ("  ", ""),
        ('+-&&||!(){}[]^"~*?:\\/', ""),
    ],
)
def test_a_query_is_tidied_up(query: str, text: str) -> None:
    assert understood(query).text == text


def test_words_come_once_and_say_something() -> None:
    assert understood("mug && mug - 🎁 c++").words == ("mug", "🎁", "c++")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    found = understood("x" * 10_000)
    assert found == Understood("x" * QUERY_LIMIT, ("x" * QUERY_LIMIT,), True)
    assert not understood("x" * QUERY_LIMIT).cut
    assert len(understood("ﷺ" * QUERY_LIMIT).text) == QUERY_LIMIT  # one letter that stands for many


def test_symbols_alone_cannot_be_read() -> None:
    assert understood("a 🎁").readable
    assert not understood("🎁").readable
    assert not understood("").readable
