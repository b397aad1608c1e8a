from benchmarks.quality import document
from benchmarks.quality_page import Page, Result, page


def test_figures_of_an_earlier_run_are_not_lost_while_the_next_one_goes_on():
    earlier = {
        "splits": {"first": {"error": None, "runs": [{"seed": 0}]}, "last": {"error": None, "runs": [{"seed": 1}]}}
    }
    found = document([Result("first", (), [{"seed": 2}])], earlier)["splits"]
    assert found == {"first": {"error": None, "runs": [{"seed": 2}]}, "last": {"error": None, "runs": [{"seed": 1}]}}


def run(seed, value, rivals=()):
    facts = {
        "cores": 2,
        "threads": "all",
        "memory_gib": 24,
        "device": "cpu",
        "system": "Linux",
        "versions": {"numpy": "2"},
    }
    figures = {"pathrec": {"recall@20": value}} | {name: {"recall@20": 0.1} for name in rivals}
    return {
        "seed": seed,
        "metrics": {"recall@20": value},
        "models": figures,
        "baselines": {name: {"converged": True, "note": ""} for name in rivals},
        "published": {"LightGCN": {"recall@20": 0.183}},
        "seconds": {"training": 100.0, "ranking": 2.0},
        "peak_memory_bytes": 2**30,
        "segments": {"repeat": figures},
        "config": {
            "users": 5,
            "products": 7,
            "events": 9,
            "rule": "random",
            "fit": {"measure": 0.3, "adds": {"LATENT": 0.1}},
        },
        "questions": 3,
        "notes": [],
        "machine": facts,
    }


def test_the_page_has_the_mean_over_seeds_and_says_with_which_a_baseline_ran():
    runs = [run(0, 0.2, ["popularity", "item-knn"]), run(1, 0.3, ["popularity"])]
    text = page(Page([Result("gowalla", ("recall@20",), runs)], "Once.", "python -m benchmarks.quality"))
    rows = [line for line in text.splitlines() if line.startswith("| gowalla")]
    figures, segment = rows
    assert "| 0.2500 ± 0.0707 | 0.1000 ± 0.0000 | 0.1000 (seed 0) | LightGCN 0.1830 | 100 | 2.0 | 1.0 GiB |" in figures
    assert "| repeat | recall@20 | 0.2500 ± 0.0707 | 0.1000 ± 0.0000 | 0.1000 (seed 0) |" in segment
    assert "a random part of each user's products" in text
    assert "measured on 2 cores (all threads), 24 GiB, cpu, Linux; numpy 2" in text
