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
    head = ["split", "metric", "Pathrec", "best baseline", "best published", "training s", "ranking s", "peak memory"]
    rows = [row for result in ran for row in _summary(result)]
    return "\n\n".join(
        [
            "## Figures",
            _table(head, rows, left=(0, 1, 3, 4)),
            "With several seeds: the mean ± the standard deviation over them. Seconds are those of our model, all "
            "fitting included; peak memory is that of a process that reads the split, trains and ranks.",
            "## Beside the baselines",
            "Each baseline has as long to be tuned and fitted as the model took (seconds). † the time was over before "
            "it had converged or every choice of its settings was tried, in one run at least. Published figures are "
            "those of others' own runs; ours of the same method may have had less time than theirs.",
            *(f"### {result.name}\n\n{_models(result)}" for result in ran),
        ]
    )


def _summary(result: Result) -> Iterable[list[str]]:
    """The two main metrics of a split."""
    for number, metric in enumerate(result.metrics[:2]):
        told = {model: figures[metric] for model, figures in result.runs[0]["published"].items() if metric in figures}
        reached = {name: _rival_mean(result, name, metric) for name in _rivals(result)}
        yield [
            result.name if number == 0 else "",
            metric,
            _mean([run["metrics"][metric] for run in result.runs]),
            _best(reached),
            _best(told),
            *(_costs(result) if number == 0 else ["", "", ""]),
        ]


def _best(figures: Mapping[str, float]) -> str:
    if not figures:
        return NOTHING
    name = max(figures, key=lambda key: figures[key])
    return f"{name} {figures[name]:.4f}"


def _models(result: Result) -> str:
    """Every model of a split: ours, the baselines from the best on, what others published."""
    metrics = result.metrics
    ours = [_mean([run["metrics"][metric] for run in result.runs]) for metric in metrics]
    rows = [["**Pathrec**", *ours, _seconds([run["seconds"]["training"] for run in result.runs])]]
    for name in sorted(_rivals(result), key=lambda name: -_rival_mean(result, name, metrics[0])):
        runs = [run for run in result.runs if name in run["models"]]
        mark = "" if all(run["baselines"][name]["converged"] for run in runs) else " †"
        figures = [_mean([run["models"][name][metric] for run in runs]) for metric in metrics]
        spent = _seconds([run["baselines"][name]["seconds"] for run in runs])
        rows.append([f"{name}{mark}{_which(runs, result)}", *figures, spent])
    for model, told in result.runs[0]["published"].items():
        figures = [f"{told[metric]:.4f}" if metric in told else NOTHING for metric in metrics]
        rows.append([f"{model}, published", *figures, NOTHING])
    return _table(["model", *metrics, "seconds"], rows)


def _costs(result: Result) -> list[str]:
    spent = [_seconds([run["seconds"][part] for run in result.runs]) for part in ("training", "ranking")]
    memory = max(run["peak_memory_bytes"] for run in result.runs)
    return [*spent, f"{memory / 2**30:.1f} GiB"]


def _seconds(values: Sequence[float]) -> str:
    mean = fmean(values)
    return f"{mean:,.0f}" if mean >= 10 else f"{mean:.1f}"


def _rivals(result: Result) -> list[str]:
    return list({name: None for run in result.runs for name in run["models"] if name != OURS})


def _rival_mean(result: Result, name: str, metric: str) -> float:
    return fmean(run["models"][name][metric] for run in result.runs if name in run["models"])


def _which(runs: Sequence[Run], result: Result) -> str:
    """With which seeds a baseline ran, if not all."""
    seeds = ", ".join(str(run["seed"]) for run in runs)
    return "" if len(runs) == len(result.runs) else f" (seed {seeds})"


def _not_measured(results: Sequence[Result]) -> str:
    lines = [f"- {result.name}: not measured, {result.error}" for result in results if not result.runs]
    return "\n".join(["## Not measured", "", *lines]) if lines else ""


def _segments(ran: Sequence[Result]) -> str:
    tables = [
        f"### {result.name}: {segment}\n\n{_segment(result, segment)}"
        for result in ran
        for segment in result.runs[0]["segments"]
    ]
    return "\n\n".join(["## Further questions, reported apart", *tables]) if tables else ""


def _segment(result: Result, segment: str) -> str:
    rows = []
    for name in (OURS, *_rivals(result)):
        runs = [run for run in result.runs if name in run["segments"].get(segment, {})]
        if runs:
            label = "**Pathrec**" if name == OURS else f"{name}{_which(runs, result)}"
            found = [_mean([run["segments"][segment][name][metric] for run in runs]) for metric in result.metrics]
            rows.append([label, *found])
    return _table(["model", *result.metrics], rows)


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
