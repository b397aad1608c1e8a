from api.rates import Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_through_and_then_one_at_each_interval() -> None:
    clock = Clock()
    buckets = Buckets(4.0, clock=clock)
    assert [buckets.wait("a") for _ in range(8)] == [0.0] * 8
    assert buckets.wait("a") == 0.25
    clock.now = 0.25
    assert [buckets.wait("a"), buckets.wait("a")] == [0.0, 0.25]


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = Buckets(0.5, clock=Clock())
    assert [buckets.wait("a"), buckets.wait("a"), buckets.wait("b")] == [0.0, 2.0, 0.0]


def test_a_bucket_is_never_fuller_than_full() -> None:
    clock = Clock()
    buckets = Buckets(1.0, clock=clock)
    clock.now = 1e6
    assert [buckets.wait("a") > 0 for _ in range(4)] == [False, False, True, True]


def test_no_rate_lets_everything_through_and_keeps_nothing() -> None:
    buckets = Buckets(0.0, clock=Clock())
    assert not any(buckets.wait("a") for _ in range(1000))
    assert not buckets._levels


def test_those_who_come_once_are_forgotten() -> None:
    clock = Clock()
    buckets = Buckets(1.0, clock=clock)
    for number in range(100_001):
        buckets.wait(number)
    assert len(buckets._levels) == 100_000
    assert 0 not in buckets._levels
