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
        "baselines": {name: {"converged": True, "note": "", "seconds": 4.0} for name in rivals},
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
    assert (
        "| gowalla | recall@20 | 0.2500 ± 0.0707 | popularity 0.1000 | LightGCN 0.1830 | 100 | 2.0 | 1.0 GiB |" in text
    )
    beside, apart = text.split("## Further questions, reported apart")
    assert "| **Pathrec** | 0.2500 ± 0.0707 | 100 |" in beside
    assert "| popularity | 0.1000 ± 0.0000 | 4.0 |" in beside
    assert "| item-knn (seed 0) | 0.1000 | 4.0 |" in beside
    assert "| LightGCN, published | 0.1830 | – |" in beside
    assert "### gowalla: repeat" in apart
    assert "| item-knn (seed 0) | 0.1000 |\n" in apart
    assert "a random part of each user's products" in text
    assert "measured on 2 cores (all threads), 24 GiB, cpu, Linux; numpy 2" in text


def test_a_baseline_that_had_not_converged_is_marked():
    found = run(0, 0.2, ["item-knn", "ease"])
    found["baselines"]["ease"]["converged"] = False
    text = page(Page([Result("gowalla", ("recall@20",), [found])], "Once.", "python -m benchmarks.quality"))
    assert "| ease † | 0.1000 |" in text
    assert "| item-knn | 0.1000 |" in text
