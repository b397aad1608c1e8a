// What became of every row of the shop's files, and what came of it.

import { h, put } from "./dom.js";
import { facts, panel, table } from "./figures.js";
import { ask } from "./graphql.js";
import { either, pieces, t } from "./language.js";
import { empty, loading, problem } from "./states.js";
import { count, day, did, percent, sentence, spaced, term } from "./words.js";

const NAMED_MONTHS = 14;

/** Shows the page. */
export async function data(main, values, signal) {
  const body = h("div", {}, loading(t("data.report"), 3));
  put(main, h("h1", { tabindex: "-1" }, t("data.title")), body);
  try {
    const { qualityReport: report } = await ask("{ qualityReport }", {}, signal);
    if (!report) put(body, empty(t("data.none"), pieces("data.noneWords", { command: h("code", {}, "pathrec ingest") })));
    else put(body, about(report), panel(t("data.files"), report.sources.map(source)), events(report), relations(report), categories(report), notes(report));
  } catch (error) {
    if (error.name !== "AbortError") put(body, problem(error, () => data(main, values, signal)));
  }
}

function about(report) {
  const nodes = Object.entries(report.nodes).filter(([name]) => name !== "User");
  return facts([
    [t("data.rows"), count(report.rows_in)],
    [t("data.out"), report.rows_in ? percent(report.rows_quarantined / report.rows_in) : "–"],
    [t("data.events"), count(report.events)],
    [t("data.users"), count(report.users)],
    ...nodes.map(([name, size]) => [either(`type.${name}`, name), count(size)]),
    [t("data.span"), report.first ? `${day(report.first)} – ${day(report.last)}` : "–"],
  ]);
}

function source({ name, file, rows_in: all, rows_kept: kept, rows_quarantined: out, reasons, steps, columns }) {
  return h(
    "div",
    { class: "file" },
    h("h3", {}, sentence(spaced(name)), " ", h("small", {}, file)),
    h("div", { class: "split", "aria-hidden": "true" }, [kept, out].filter(Boolean).map((rows) => h("i", { style: { "flex-grow": rows } }))),
    h("p", {}, pieces("data.rowsIn", { all: strong(all), kept: strong(kept), out: strong(out) })),
    reasons.length ? table(t("data.why"), [t("data.reason"), `#${t("data.rowsOf")}`, t("data.example")], reasons.map(reason)) : null,
    h(
      "details",
      {},
      h("summary", {}, t("data.steps")),
      steps.length ? table(t("data.cleaning"), [t("data.step"), `#${t("data.came")}`, `#${t("data.rejected")}`, `#${t("data.changed")}`], steps.map(step)) : null,
      table(t("data.columns"), [t("data.name"), t("data.column"), t("data.type"), `#${t("data.distinct")}`, `#${t("data.missing")}`], columns.map((column) => described(column, kept))),
    ),
  );
}

const strong = (number) => h("b", {}, count(number));
const reason = ({ code, rows, examples: [example] }) => [sentence(spaced(code)), count(rows), example ? t("data.line", { line: example.line, words: example.explanation }) : ""];
const step = ({ name, columns, rows, rejected, changed }) => [`${spaced(name)} (${columns.join(", ")})`, count(rows), count(rejected), count(changed)];
const described = ({ name, column, type, distinct, missing }, rows) => [name, column, type, count(distinct), rows ? percent(missing / rows) : "–"];

function events({ events: all, behaviours, anonymous_events: anonymous, months }) {
  if (!all) return null;
  const named = Object.entries(behaviours).map(([name, size]) => `${count(size)} × ${did(name)}`);
  return panel(
    t("data.events"),
    h("p", { class: "soft" }, t("data.anonymous", { behaviours: named.join(t("paths.separator")), count: anonymous, share: percent(anonymous / all) })),
    h("ol", { class: "months" }, Object.entries(months).map(([month, size], place, { length }) => bar(month, size, Math.max(...Object.values(months)), length <= NAMED_MONTHS))),
  );
}

function bar(month, size, most, named) {
  const words = named ? {} : { class: "unseen" };
  return h("li", {}, h("span", words, count(size)), h("i", { style: { height: `${(70 * size) / most}%` } }), h("span", words, month));
}

function relations({ relations: found }) {
  const rows = Object.entries(found).map(([name, size]) => [sentence(term(name)), count(size)]);
  return rows.length ? panel(t("data.relations"), table(t("data.relations"), [t("data.relation"), `#${t("data.many")}`], rows)) : null;
}

function categories({ categories: found }) {
  if (!found.length) return null;
  const below = (id) => found.filter(({ parent }) => parent === id);
  const total = (one) => below(one.id).reduce((sum, child) => sum + total(child), one.products);
  const branch = (one) =>
    h("li", {}, h("div", {}, h("span", {}, one.name), h("span", {}, count(total(one)))), h("ul", {}, below(one.id).map(branch)));
  return panel(t("data.categories"), h("p", { class: "soft" }, t("data.categoriesWords")), h("ul", { class: "tree" }, below(null).map(branch)));
}

const notes = ({ notes: said }) => (said.length ? panel(t("data.notes"), h("ul", {}, said.map((note) => h("li", {}, note)))) : null);
