// What is served, how well it does, and what each kind of path is worth to it.

import { h, put } from "./dom.js";
import { facts, panel, table } from "./figures.js";
import { ask, readiness } from "./graphql.js";
import { loading, problem } from "./states.js";
import { count, percent, plain, sentence, signed, spaced, term, time } from "./words.js";

const MODEL = "{ model { version createdAt asOf products behaviours fit } }";
// Apart, since it needs another role than the model.
const EVALUATION = "{ evaluation }";

const MEANINGS = {
  recall: ["Found", "of what people chose next, the part that is among the first"],
  ndcg: ["Order", "how far up among the first it stands; 1 is at the top"],
  hit_rate: ["Hits", "people for whom anything of it is among the first"],
  precision: ["Precision", "of the first, the part that was chosen"],
  coverage: ["Breadth", "of all products, the part that anybody sees among the first"],
};

/** Shows the page. */
export async function model(main, values, signal) {
  const body = h("div", {}, loading("The model", 3));
  put(main, h("h1", { tabindex: "-1" }, "The model"), body);
  try {
    const [{ model: found }, judged, ready] = await Promise.all([
      ask(MODEL, {}, signal),
      ask(EVALUATION, {}, signal).catch((error) => ({ evaluation: null, error })),
      readiness(),
    ]);
    put(body, about(found), figures(judged), worth(found.fit), weights(found), parts(ready));
  } catch (error) {
    if (error.name !== "AbortError") put(body, problem(error, () => model(main, values, signal)));
  }
}

function about({ version, createdAt, asOf, products, behaviours }) {
  return facts([
    ["Version", version],
    ["Trained", time(createdAt)],
    ["Knows events up to", time(asOf)],
    ["Products", count(products)],
    ["Learns from", behaviours.join(", ")],
  ]);
}

function figures({ evaluation, error }) {
  const title = "How well it does";
  if (error) return panel(title, h("p", { class: "soft" }, error.message));
  if (!evaluation) return panel(title, h("p", { class: "soft" }, "Nothing was evaluated yet; this does it: ", h("code", {}, "pathrec evaluate snapshot --json HOME/reports/evaluation.json")));
  const { models, intervals, questions, readable_share: readable, notes } = evaluation;
  const names = Object.keys(models);
  const all = Object.keys(models[names[0]]);
  const length = all[0].split("@")[1]; // the main one
  const metrics = all.filter((name) => name.split("@")[0] in MEANINGS && name.split("@")[1] === length);
  return panel(
    title,
    h("p", { class: "soft" }, `Trained on what came before, it was asked ${count(questions)} times for what people chose next, beside the baselines.`),
    table("Figures", ["Figure", ...names.map((name) => `#${name}`)], metrics.map((metric) => figure(metric, names, models, intervals[metric]))),
    readable === null ? null : h("p", {}, h("b", {}, percent(readable)), " of what moves the first products of a list are paths that a person can read."),
    notes.map((note) => h("p", { class: "soft" }, note)),
  );
}

function figure(metric, names, models, interval) {
  const [name, length] = metric.split("@");
  const [title, meaning] = MEANINGS[name];
  const best = Math.max(...names.map((one) => models[one][metric] ?? -Infinity));
  const words = [title, " ", h("code", {}, metric), h("small", {}, meaning.replace("the first", `the first ${length ?? ""}`.trim()))];
  const value = (one, place) => {
    const found = models[one][metric];
    const range = place === 0 && interval ? h("small", {}, `${plain(interval[0])} to ${plain(interval[1])}`) : null;
    return [h("span", { class: found === best ? "best" : null }, number(found, 4)), range];
  };
  return [words, ...names.map(value)];
}

function worth({ adds = {}, measure }) {
  const rows = Object.entries(adds).sort((a, b) => b[1] - a[1]);
  if (!rows.length) return null;
  const most = Math.max(...rows.map(([, value]) => Math.abs(value))) || 1;
  const bar = (value) => h("span", { class: `meter ${value < 0 ? "out" : ""}` }, h("i", { style: { width: `${(100 * Math.abs(value)) / most}%` } }));
  return panel(
    "What each kind of path adds",
    h("p", { class: "soft" }, `How much of what it reaches on its validation part, ${plain(measure)}, is lost without it, the others as they are.`),
    table(
      "What each kind of path adds",
      ["Kind", "#Adds", "Beside the others"],
      rows.map(([name, value]) => [[sentence(term(name)), " ", h("code", {}, name)], signed(value, 4), bar(value)]),
    ),
  );
}

function weights({ fit, behaviours }) {
  const rows = Object.entries(fit.weights ?? {});
  if (!rows.length) return null;
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, "Weights by behaviour"),
    table("Weights by behaviour", ["Kind", ...behaviours.map((one) => `#${one}`)], rows.map(([name, by]) => [sentence(term(name)), ...behaviours.map((one) => number(by[one], 3))])),
  );
}

function parts(ready) {
  if (!ready) return null;
  const shown = Object.entries(ready).filter(([, part]) => typeof part === "object");
  const words = ({ status, engine, problem: wrong }) => [status, engine, wrong].filter(Boolean).join(", ");
  return panel("What answers", facts(shown.map(([name, part]) => [sentence(spaced(name)), words(part)]), "small"));
}

const number = (value, digits) => (value === null || value === undefined ? "–" : plain(value, digits));
