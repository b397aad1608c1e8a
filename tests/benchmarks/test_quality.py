from benchmarks.quality import document
from benchmarks.quality_page import Result


def test_figures_of_an_earlier_run_are_not_lost_while_the_next_one_goes_on():
    earlier = {
        "splits": {"first": {"error": None, "runs": [{"seed": 0}]}, "last": {"error": None, "runs": [{"seed": 1}]}}
    }
    found = document([Result("first", (), [{"seed": 2}])], earlier)["splits"]
    assert found == {"first": {"error": None, "runs": [{"seed": 2}]}, "last": {"error": None, "runs": [{"seed": 1}]}}
