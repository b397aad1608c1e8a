"""The web explorer in a real browser: first byte, bytes, and how soon it paints and answers, also on a slow phone.

    python -m benchmarks.page --home .pathrec --json page.json

serves the shop of a home and opens views of its page in Chromium, each time in a new profile with nothing cached. The
figures are those of Lighthouse, from the browser's own performance entries: first and largest contentful paint, total
blocking time (what tasks take beyond 50 ms after the first paint), cumulative layout shift; and `complete`, when all
cards and reasons are there. The slow network has 1.6 Mbit/s and 150 ms, the slow CPU a fourth of this one's speed.
Each figure is the median of its runs, with the slowest beside that of `complete`. `again` is a second visit.
"""

import argparse
import http.client
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, sync_playwright
from rich.console import Console
from rich.table import Table

from api.settings import load_settings
from benchmarks.http import wait_for_encoders
from benchmarks.machine import machine, write_json
from benchmarks.serving import Client, serving
from benchmarks.sockets import percentiles
from graph import Query, connect

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KINDS = {"Document": "page", "Stylesheet": "style", "Script": "script", "Image": "pictures", "Fetch": "answers"}
_DESK, _PHONE = (1280, 900), (360, 740)
_PATIENCE_MS = 300_000
_ACTIVE = """MATCH (u:User)-[:PERFORMED]->(e:Event) WITH u.id AS id, count(e) AS events
    ORDER BY events DESC, id WITH collect(id) AS ids RETURN ids[size(ids) / 20] AS id"""
_FIRST = """query($user: String) { recommendations(audience: {userId: $user}, first: 1, preview: true) {
    edges { node { productId } } } }"""
# Listens before anything of the page runs, so that no entry is lost.
_LISTEN = """
window.seen = { lcp: 0, cls: 0, tasks: [], complete: null };
function on(type, take) {
    new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: true });
}
on("largest-contentful-paint", entry => { seen.lcp = entry.startTime; });
on("layout-shift", entry => { if (!entry.hadRecentInput) seen.cls += entry.value; });
on("longtask", entry => { seen.tasks.push([entry.startTime, entry.duration]); });
"""
_COMPLETE = """awaited => {
    const there = document.querySelector(awaited) && !document.querySelector(".loading, [aria-busy], .wrong");
    if (there) seen.complete ??= performance.now();
    return Boolean(there);
}"""
_READ = """() => {
    const fcp = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null;
    const late = seen.tasks.filter(([start]) => start >= fcp);
    return {
        fcp_ms: fcp, lcp_ms: seen.lcp, complete_ms: seen.complete,
        blocked_ms: late.reduce((sum, [, duration]) => sum + duration - 50, 0),
        long_tasks: seen.tasks.length, layout_shift: seen.cls, nodes: document.querySelectorAll("*").length,
    };
}"""


@dataclass(frozen=True)
class Condition:
    """What a page is opened under."""

    viewport: tuple[int, int] = _DESK
    slower: float = 1.0  # how many times the CPU is
    network: bool = False  # whether it is the slow one
    again: bool = False  # whether the browser has been here before


CONDITIONS = {
    "as it is": Condition(),
    "slow CPU": Condition(slower=4),
    "slow network": Condition(network=True),
    "slow phone": Condition(_PHONE, slower=4, network=True),
    "slow phone, again": Condition(_PHONE, slower=4, network=True, again=True),
}


@dataclass
class Traffic:
    """What came over the wire to a page, by kind."""

    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    _kinds: dict[str, str] = field(default_factory=dict)

    def follow(self, session: CDPSession) -> None:
        """Counts from now on."""
        session.on("Network.responseReceived", self._began)
        session.on("Network.dataReceived", self._came)
        session.on("Network.loadingFinished", self._ended)
        session.send("Network.enable")

    def _began(self, event: dict[str, Any]) -> None:
        kind = KINDS.get(event["type"], "other")
        self._kinds[event["requestId"]] = kind
        if not event["response"].get("fromDiskCache"):
            self.requests[kind] += 1

    def _came(self, event: dict[str, Any]) -> None:
        self.whole[self._kinds.get(event["requestId"], "other")] += event["dataLength"]

    def _ended(self, event: dict[str, Any]) -> None:
        self.sent[self._kinds.get(event["requestId"], "other")] += int(event["encodedDataLength"])

    def report(self) -> dict[str, dict[str, int]]:
        """Requests, bytes with their headers as they were sent, and bytes unpacked, of each kind."""
        kinds = [kind for kind in (*KINDS.values(), "other") if self.requests[kind]]
        return {
            kind: {"requests": self.requests[kind], "sent": self.sent[kind], "unpacked": self.whole[kind]}
            for kind in kinds
        }


def opened(context: BrowserContext, url: str, awaited: str, condition: Condition) -> tuple[dict[str, Any], Traffic]:
    """Figures of opening a page once, until what is awaited stands there."""
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.add_init_script(_LISTEN)
    session, traffic = context.new_cdp_session(page), Traffic()
    traffic.follow(session)
    if condition.slower > 1:
        session.send("Emulation.setCPUThrottlingRate", {"rate": condition.slower})
    if condition.network:
        slow = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
        session.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    page.goto(url)
    page.wait_for_function(_COMPLETE, arg=awaited)
    page.wait_for_load_state("networkidle")
    found: dict[str, Any] = page.evaluate(_READ)
    page.close()
    return found, traffic


def visited(browser: Browser, url: str, awaited: str, condition: Condition) -> tuple[dict[str, Any], Traffic]:
    """Figures of a visit in a profile of its own."""
    width, height = condition.viewport
    with browser.new_context(viewport={"width": width, "height": height}, locale="en-GB") as context:
        if condition.again:
            opened(context, url, awaited, Condition())
        return opened(context, url, awaited, condition)


def measured(browser: Browser, url: str, views: dict[str, tuple[str, str]], runs: int) -> dict[str, Any]:
    """Figures of each view under each condition, and what is sent for it."""
    report: dict[str, Any] = {}
    for view, (address, awaited) in views.items():
        visited(browser, url + address, awaited, Condition())  # the engine compiles its queries
        report[view] = {"conditions": {}}
        for name, condition in CONDITIONS.items():
            print(f"{view}, {name} …", flush=True)
            visits = [visited(browser, url + address, awaited, condition) for _ in range(runs)]
            figures = summed_up([found for found, _ in visits])
            traffic = visits[-1][1]
            figures |= {"requests": traffic.requests.total(), "sent": traffic.sent.total()}
            report[view]["conditions"][name] = figures
            if condition == Condition():
                report[view]["bytes"] = traffic.report()
    return report


def summed_up(visits: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The median of each figure over some visits, and the slowest of them."""
    middle = {name: round(statistics.median(visit[name] for visit in visits), 3) for name in visits[0]}
    return middle | {"slowest_ms": round(max(visit["complete_ms"] for visit in visits), 3)}


def first_byte(url: str, path: str, times: int) -> dict[str, float]:
    """Milliseconds from asking to the first byte, over a new connection each time, whose making counts."""
    place, waits = urlsplit(url), []
    for _ in range(times):
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        began = time.perf_counter()
        connection.request("GET", path, headers={"accept-encoding": "gzip"})
        connection.getresponse()
        waits.append(1000 * (time.perf_counter() - began))
        connection.close()
    return percentiles(waits)


def views_of(url: str, user: str) -> dict[str, tuple[str, str]]:
    """What is opened, and what is awaited there."""
    edges = Client(url).ask(_FIRST, user=user)["recommendations"]["edges"]
    whom, product = quote(user), quote(edges[0]["node"]["productId"])
    return {
        "/": ("/", "a.card"),
        "a shopper's list": (f"/#/?user={whom}", "a.card"),
        "reasons of its first product": (f"/#/?user={whom}&why={product}", "dialog .waterfall"),
    }


def browser_path() -> str:
    """Where Chromium is on this machine."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("this needs Chromium: apt-get install chromium")
    return found


def busy_user(home: Path) -> str:
    """One who did more than nineteen of twenty."""
    with connect(load_settings(home=home).store_url) as store:
        return str(store.read(Query(_ACTIVE))[0]["id"])


def show(report: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console(width=160)  # also where it is written to a file
    console.print(f"first byte of /, ms: {report['first_byte_ms']}")
    table = Table(title="milliseconds, medians")
    names = ("FCP", "LCP", "complete", "slowest", "blocked", "long tasks", "shift", "nodes", "requests", "kB sent")
    for name in ("view", "condition", *names):
        table.add_column(name, justify="left" if name in ("view", "condition") else "right")
    for view, found in report["views"].items():
        for condition, row in found["conditions"].items():
            times = (row[f"{name}_ms"] for name in ("fcp", "lcp", "complete", "slowest", "blocked"))
            rest = (row["long_tasks"], row["layout_shift"], row["nodes"], row["requests"])
            cells = (
                *(f"{value:.0f}" for value in times),
                *(f"{value:g}" for value in rest),
                f"{row['sent'] / 1000:.1f}",
            )
            table.add_row(view, condition, *cells)
    console.print(table)
    sent = Table("view", "kind", "requests", "sent", "unpacked", title="bytes of a first visit")
    for view, found in report["views"].items():
        for kind, row in found["bytes"].items():
            sent.add_row(view, kind, *(f"{value:,}" for value in row.values()))
    console.print(sent)


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".pathrec"))
    parser.add_argument("--runs", type=int, default=5, help="of each view under each condition (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about, path, user = machine(), browser_path(), busy_user(options.home)
    with serving(options.home, 1) as (url, _, _), sync_playwright() as playwright:
        # Its sandbox needs rights that a container's root has not got.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        about["browser"] = browser.version
        views = views_of(url, user)
        wait_for_encoders(url)
        report = {"machine": about, "user": user, "first_byte_ms": first_byte(url, "/", 200)}
        report["views"] = measured(browser, url, views, options.runs)
        browser.close()
    show(report)
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()
