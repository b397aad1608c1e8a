// What is served, how well it does, and what each kind of path is worth to it.

import { h, put } from "./dom.js";
import { facts, panel, table } from "./figures.js";
import { ask, readiness } from "./graphql.js";
import { either, pieces, t } from "./language.js";
import { loading, problem } from "./states.js";
import { count, did, percent, plain, sentence, signed, spaced, term, time } from "./words.js";

const MODEL = "{ model { version createdAt asOf products behaviours metrics fit } }";
// Apart, since it needs another role than the model.
const EVALUATION = "{ evaluation }";

const MEASURES = ["recall", "ndcg", "hit_rate", "precision", "coverage"];

/** Shows the page. */
export async function model(main, values, signal) {
  const body = h("div", {}, loading(t("model.title"), 3));
  put(main, h("h1", { tabindex: "-1" }, t("model.title")), body);
  try {
    const [{ model: found }, judged, ready] = await Promise.all([
      ask(MODEL, {}, signal),
      ask(EVALUATION, {}, signal).catch((error) => ({ evaluation: null, error })),
      readiness(),
    ]);
    put(body, about(found), figures(judged), own(found), worth(found.fit), weights(found), parts(ready));
  } catch (error) {
    if (error.name !== "AbortError") put(body, problem(error, () => model(main, values, signal)));
  }
}

function about({ version, createdAt, asOf, products, behaviours }) {
  return facts([
    [t("model.version"), version],
    [t("model.trained"), time(createdAt)],
    [t("model.knows"), time(asOf)],
    [t("model.products"), count(products)],
    [t("model.learns"), behaviours.map(did).join(t("paths.separator"))],
  ]);
}

function figures({ evaluation, error }) {
  const title = t("model.well");
  if (error) return panel(title, h("p", { class: "soft" }, error.message));
  if (!evaluation) return panel(title, h("p", { class: "soft" }, pieces("model.notYet", { command: h("code", {}, "pathrec evaluate snapshot --json HOME/reports/evaluation.json") })));
  const { models, intervals, questions, readable_share: readable, notes } = evaluation;
  const names = Object.keys(models);
  const all = Object.keys(models[names[0]]);
  const length = all[0].split("@")[1]; // the main one
  const metrics = all.filter((name) => MEASURES.includes(name.split("@")[0]) && name.split("@")[1] === length);
  return panel(
    title,
    h("p", { class: "soft" }, t("model.asked", { count: questions })),
    table(t("model.figures"), [t("model.figure"), ...names.map((name) => `#${name}`)], metrics.map((metric) => figure(metric, names, models, intervals[metric]))),
    readable === null ? null : h("p", {}, pieces("model.readable", { share: h("b", {}, percent(readable)) })),
    notes.map((note) => h("p", { class: "soft" }, note)),
  );
}

function figure(metric, names, models, interval) {
  const [name, length] = metric.split("@");
  const best = Math.max(...names.map((one) => models[one][metric] ?? -Infinity));
  const words = [t(`model.${name}`), " ", h("code", {}, metric), h("small", {}, t(`model.${name}.words`, { length: length ?? "" }))];
  const value = (one, place) => {
    const found = models[one][metric];
    const range = place === 0 && interval ? h("small", {}, t("model.interval", { low: plain(interval[0]), high: plain(interval[1]) })) : null;
    return [h("span", { class: found === best ? "best" : null }, number(found, 4)), range];
  };
  return [words, ...names.map(value)];
}

function own({ metrics }) {
  const figures = Object.keys(metrics).map((metric) => metric.split("@"));
  if (!figures.length) return null;
  const names = [...new Set(figures.map(([name]) => name))];
  const lengths = [...new Set(figures.map(([, length]) => length))].sort((a, b) => a - b);
  const words = (name) => [either(`model.${name}.name`, sentence(spaced(name))), " ", h("code", {}, `${name}@k`), h("small", {}, either(`model.${name}.words`, "", { length: "k" }))];
  const value = (found) => number(found, found < 1 ? 4 : 2);
  return panel(
    t("model.own"),
    h("p", { class: "soft" }, t("model.ownWords", { length: lengths[0] })),
    table(t("model.own"), [t("model.figure"), ...lengths.map((length) => `#k = ${length}`)], names.map((name) => [words(name), ...lengths.map((length) => value(metrics[`${name}@${length}`]))])),
  );
}

function worth({ adds = {}, measure }) {
  const rows = Object.entries(adds).sort((a, b) => b[1] - a[1]);
  if (!rows.length) return null;
  const most = Math.max(...rows.map(([, value]) => Math.abs(value))) || 1;
  const bar = (value) => h("span", { class: `meter ${value < 0 ? "out" : ""}` }, h("i", { style: { width: `${(100 * Math.abs(value)) / most}%` } }));
  return panel(
    t("model.worth"),
    h("p", { class: "soft" }, t("model.worthWords", { measure: plain(measure) })),
    table(
      t("model.worth"),
      [t("model.kind"), `#${t("model.adds")}`, t("model.beside")],
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
    h("summary", {}, t("model.weights")),
    table(t("model.weights"), [t("model.kind"), ...behaviours.map((one) => `#${did(one)}`)], rows.map(([name, by]) => [sentence(term(name)), ...behaviours.map((one) => number(by[one], 3))])),
  );
}

function parts(ready) {
  if (!ready) return null;
  const shown = Object.entries(ready).filter(([, part]) => typeof part === "object");
  const words = ({ status, engine, problem: wrong }) => [status, engine, wrong].filter(Boolean).join(", ");
  return panel(t("model.parts"), facts(shown.map(([name, part]) => [either(PARTS[name], sentence(spaced(name))), words(part)]), "small"));
}

const PARTS = { store: "state.graph", artifact: "state.model", encoder: "state.encoder" };
const number = (value, digits) => (value === null || value === undefined ? "–" : plain(value, digits));
