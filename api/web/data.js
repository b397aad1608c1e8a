// What became of every row of the shop's files, and what came of it.

import { h, put } from "./dom.js";
import { facts, panel, table } from "./figures.js";
import { ask } from "./graphql.js";
import { empty, loading, problem } from "./states.js";
import { count, day, percent, sentence, spaced } from "./words.js";

const NAMED_MONTHS = 14;

/** Shows the page. */
export async function data(main, values, signal) {
  const body = h("div", {}, loading("The report", 3));
  put(main, h("h1", { tabindex: "-1" }, "The shop's data"), body);
  try {
    const { qualityReport: report } = await ask("{ qualityReport }", {}, signal);
    if (!report) put(body, empty("No report yet", h("code", {}, "pathrec ingest"), " writes it as it reads the shop's files."));
    else put(body, about(report), panel("Files", report.sources.map(source)), events(report), relations(report), categories(report), notes(report));
  } catch (error) {
    if (error.name !== "AbortError") put(body, problem(error, () => data(main, values, signal)));
  }
}

function about(report) {
  const nodes = Object.entries(report.nodes).filter(([name]) => name !== "User");
  return facts([
    ["Rows read", count(report.rows_in)],
    ["Of them in quarantine", report.rows_in ? percent(report.rows_quarantined / report.rows_in) : "–"],
    ["Events", count(report.events)],
    ["Users with events", count(report.users)],
    ...nodes.map(([name, size]) => [name, count(size)]),
    ["From, to", report.first ? `${day(report.first)} – ${day(report.last)}` : "–"],
  ]);
}

function source({ name, file, rows_in: all, rows_kept: kept, rows_quarantined: out, reasons, steps, columns }) {
  return h(
    "div",
    { class: "file" },
    h("h3", {}, sentence(spaced(name)), " ", h("small", {}, file)),
    h("div", { class: "split", "aria-hidden": "true" }, [kept, out].filter(Boolean).map((rows) => h("i", { style: { "flex-grow": rows } }))),
    h("p", {}, h("b", {}, count(all)), " rows in = ", h("b", {}, count(kept)), " kept + ", h("b", {}, count(out)), " in quarantine"),
    reasons.length ? table("Why rows are in quarantine", ["Reason", "#Rows", "For example"], reasons.map(reason)) : null,
    h(
      "details",
      {},
      h("summary", {}, "Steps and columns"),
      steps.length ? table("Cleaning steps, in order", ["Step", "#Rows that came", "#Rejected", "#Changed"], steps.map(step)) : null,
      table("Columns", ["Name", "Column of the file", "Type", "#Different values", "#Empty"], columns.map((column) => described(column, kept))),
    ),
  );
}

const reason = ({ code, rows, examples: [example] }) => [sentence(spaced(code)), count(rows), example ? `line ${count(example.line)}: ${example.explanation}` : ""];
const step = ({ name, columns, rows, rejected, changed }) => [`${spaced(name)} (${columns.join(", ")})`, count(rows), count(rejected), count(changed)];
const described = ({ name, column, type, distinct, missing }, rows) => [name, column, type, count(distinct), rows ? percent(missing / rows) : "–"];

function events({ events: all, behaviours, anonymous_events: anonymous, months }) {
  if (!all) return null;
  const named = Object.entries(behaviours).map(([name, size]) => `${count(size)} × ${name}`);
  return panel(
    "Events",
    h("p", { class: "soft" }, `${named.join(", ")}; ${count(anonymous)} (${percent(anonymous / all)}) without a known user`),
    h("ol", { class: "months" }, Object.entries(months).map(([month, size], place, { length }) => bar(month, size, Math.max(...Object.values(months)), length <= NAMED_MONTHS))),
  );
}

function bar(month, size, most, named) {
  const words = named ? {} : { class: "unseen" };
  return h("li", {}, h("span", words, count(size)), h("i", { style: { height: `${(70 * size) / most}%` } }), h("span", words, month));
}

function relations({ relations: found }) {
  const rows = Object.entries(found).map(([name, size]) => [sentence(spaced(name)), count(size)]);
  return rows.length ? panel("Relations", table("Relations", ["Relation", "#How many"], rows)) : null;
}

function categories({ categories: found }) {
  if (!found.length) return null;
  const below = (id) => found.filter(({ parent }) => parent === id);
  const total = (one) => below(one.id).reduce((sum, child) => sum + total(child), one.products);
  const branch = (one) =>
    h("li", {}, h("div", {}, h("span", {}, one.name), h("span", {}, count(total(one)))), h("ul", {}, below(one.id).map(branch)));
  return panel("Categories", h("p", { class: "soft" }, "With the products in each and below it"), h("ul", { class: "tree" }, below(null).map(branch)));
}

const notes = ({ notes: said }) => (said.length ? panel("Good to know", h("ul", {}, said.map((note) => h("li", {}, note)))) : null);
