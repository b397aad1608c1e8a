"""The page of quality figures, from the documents of single runs; pure text, nothing is measured here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from gnn.evaluate import OURS

Run = Mapping[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Result:
    """A split: a run for each seed (`Evaluation.as_dict` with its seed and machine), or why there is none.

    Attributes:
        shown: metrics of the page; all if empty.
    """

    name: str
    shown: tuple[str, ...] = ()
    runs: Sequence[Run] = field(default_factory=list)
    error: str | None = None

    @property
    def metrics(self) -> list[str]:
        """Those of the page that the runs have."""
        return [name for name in self.runs[0]["metrics"] if not self.shown or name in self.shown]


@dataclass(frozen=True)
class Page:
    """What the page says.

    Attributes:
        looks: how often the test part was looked at.
        command: how the figures are made again.
    """

    results: Sequence[Result]
    looks: str
    command: str


def page(content: Page) -> str:
    """The page as Markdown."""
    ran = [result for result in content.results if result.runs]
    sections = [
        _introduction(),
        _figures(ran),
        _not_measured(content.results),
        _segments(ran),
        _terms(ran),
        _notes(ran),
        f"## How often the test parts were looked at\n\n{content.looks.strip()}",
        _machine(ran, content.command),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _introduction() -> str:
    return """# How good the lists are

Written by `benchmarks/quality.py`. Each split follows the protocol under which others report figures for it
([what is read and asked](model.md#evaluation)). Model and baselines learn from the same part, are tuned on the
same held-out questions, and are asked the test questions once; a baseline gets the time that the model took.
What is ranked is the model as it is served. All figures are fractions, not per cent; larger is better."""


def _figures(ran: Sequence[Result]) -> str:
    if not ran:
        return "## Figures\n\nNothing was measured."
    rivals = _rivals(ran)
    head = ["split", "metric", "Pathrec", *rivals, "published", "training s", "ranking s", "peak memory"]
    rows = [row for result in ran for row in _figure_rows(result, rivals)]
    return "\n\n".join(
        [
            "## Figures",
            _table(head, rows, left=(0, 1, len(head) - 4)),
            "With several seeds: the mean ± the standard deviation over them. † the time was over before the baseline "
            "had converged or every choice of its settings was tried, in one run at least. Seconds are those of our "
            "model, all fitting included; peak memory is that of a process that reads the split, trains and ranks.",
        ]
    )


def _figure_rows(result: Result, rivals: Sequence[str]) -> Iterable[list[str]]:
    for number, metric in enumerate(result.metrics):
        costs = _costs(result) if number == 0 else ["", "", ""]
        yield [
            result.name if number == 0 else "",
            metric,
            _mean([run["metrics"][metric] for run in result.runs]),
            *(_rival(result, name, metric) for name in rivals),
            _published(result, metric),
            *costs,
        ]


def _costs(result: Result) -> list[str]:
    seconds = [fmean(run["seconds"][part] for run in result.runs) for part in ("training", "ranking")]
    memory = max(run["peak_memory_bytes"] for run in result.runs)
    return [*(f"{value:,.0f}" if value >= 10 else f"{value:.1f}" for value in seconds), f"{memory / 2**30:.1f} GiB"]


def _rivals(ran: Sequence[Result]) -> list[str]:
    names = [name for result in ran for run in result.runs for name in run["models"] if name != OURS]
    return list(dict.fromkeys(names))


def _rival(result: Result, name: str, metric: str) -> str:
    """Its mean over the seeds that it ran with; which these are, if not all."""
    runs = [run for run in result.runs if name in run["models"]]
    if not runs:
        return NOTHING
    mark = "" if all(run["baselines"][name]["converged"] for run in runs) else " †"
    return _mean([run["models"][name][metric] for run in runs]) + mark + _which(runs, result)


def _which(runs: Sequence[Run], result: Result) -> str:
    seeds = ", ".join(str(run["seed"]) for run in runs)
    return "" if len(runs) == len(result.runs) else f" (seed {seeds})"


def _published(result: Result, metric: str) -> str:
    told = result.runs[0]["published"].items()
    return "; ".join(f"{model} {figures[metric]:.4f}" for model, figures in told if metric in figures) or NOTHING


def _not_measured(results: Sequence[Result]) -> str:
    lines = [f"- {result.name}: not measured, {result.error}" for result in results if not result.runs]
    return "\n".join(["## Not measured", "", *lines]) if lines else ""


def _segments(ran: Sequence[Result]) -> str:
    rivals = _rivals(ran)
    rows = [row for result in ran for row in _segment_rows(result, rivals)]
    if not rows:
        return ""
    head = ["split", "questions", "metric", "Pathrec", *rivals]
    return f"## Further questions, reported apart\n\n{_table(head, rows, left=(0, 1, 2))}"


def _segment_rows(result: Result, rivals: Sequence[str]) -> Iterable[list[str]]:
    for segment, models in result.runs[0]["segments"].items():
        for metric in result.metrics:
            if metric in models[OURS]:
                found = [_of_segment(result, segment, name, metric) for name in (OURS, *rivals)]
                yield [result.name, segment, metric, *found]


def _of_segment(result: Result, segment: str, model: str, metric: str) -> str:
    runs = [run for run in result.runs if metric in run["segments"].get(segment, {}).get(model, {})]
    if not runs:
        return NOTHING
    return _mean([run["segments"][segment][model][metric] for run in runs]) + _which(runs, result)


def _terms(ran: Sequence[Result]) -> str:
    if not ran:
        return ""
    lines = [
        "## What each term adds",
        "What the smooth measure that the weights are fitted on loses when one term is taken out and the others stay "
        "as they are: on the held-out questions of the fit, not on the test part. Terms share what they know, so the "
        "parts do not add up to the whole. The measure is NDCG made smooth for lists, the area under the ROC curve "
        "for click-through.",
    ]
    for result in ran:
        reached = _mean([run["config"]["fit"]["measure"] for run in result.runs])
        lines += [f"### {result.name}\n\nAll terms together: {reached}", _table(["term", "adds"], _term_rows(result))]
    return "\n\n".join(lines)


def _term_rows(result: Result) -> list[list[str]]:
    """Terms by what they add, the most first; a term that some seeds do not have adds nothing there."""
    added = [run["config"]["fit"]["adds"] for run in result.runs]
    by_term = {name: [float(run.get(name, 0.0)) for run in added] for name in {n: 0 for run in added for n in run}}
    order = sorted(by_term, key=lambda name: -fmean(by_term[name]))
    return [[f"`{name}`", _mean(by_term[name], sign=True)] for name in order]


def _notes(ran: Sequence[Result]) -> str:
    lists = [f"### {result.name}\n\n" + "\n".join(f"- {note}" for note in _notes_of(result)) for result in ran]
    return "\n\n".join(["## What a reader must know", *lists]) if lists else ""


def _notes_of(result: Result) -> list[str]:
    config = result.runs[0]["config"]
    seeds = ", ".join(str(run["seed"]) for run in result.runs)
    size = f"{config['users']:,} users, {config['products']:,} products, {config['events']:,} events"
    rule = {
        "time": "the end of the time",
        "last": "the last product of each user",
        "share": "a part of each user's products, alike for every other user",
        "random": "a random part of each user's products",
    }
    notes = [
        f"{size}; {result.runs[0]['questions']:,} questions; seeds {seeds}",
        f"validation part: {rule.get(config['rule'], config['rule'])}",
        *(f"measured on {_machine_line(run['machine'])}" for run in result.runs),
        *(note for run in result.runs for note in run["notes"]),
        *(f"{name}: {told['note']}" for run in result.runs for name, told in run["baselines"].items() if told["note"]),
    ]
    return list(dict.fromkeys(notes))


def _machine(ran: Sequence[Result], command: str) -> str:
    lines = dict.fromkeys(_machine_line(run["machine"]) for result in ran for run in result.runs)
    block = "\n".join(f"- {line}" for line in lines)
    return f"## Machine and command\n\n{block}\n\n```\n{command}\n```" if ran else f"## Command\n\n```\n{command}\n```"


def _machine_line(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    where = f"{facts['cores']} cores ({facts['threads']} threads), {facts['memory_gib']} GiB, {facts['device']}"
    return f"{where}, {facts['system']}; {versions}"


def _mean(values: Sequence[float], *, sign: bool = False) -> str:
    mean = f"{fmean(values):+.4f}" if sign else f"{fmean(values):.4f}"
    return f"{mean} ± {stdev(values):.4f}" if len(values) > 1 else mean


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    marks = ["---" if column in left else "---:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *rows))
