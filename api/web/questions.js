// What experts ask of the graph: saved questions with their values, or Cypher of their own.

import { go, link } from "./address.js";
import { h, put } from "./dom.js";
import { table } from "./figures.js";
import { askAsExpert } from "./graphql.js";
import { t } from "./language.js";
import { empty, loading, problem } from "./states.js";
import { count, sentence } from "./words.js";

const SAVED = "{ savedQueries { name title question cypher parameters { name type meaning default } } }";
const FOUND = "columns rows complete seconds";
const ASK_SAVED = `query($name: String!, $parameters: JSON) { askSaved(name: $name, parameters: $parameters) { ${FOUND} } }`;
const ASK = `query($query: String!) { cypher(query: $query) { ${FOUND} } }`;

const INPUTS = {
  TEXT: { autocomplete: "off", spellcheck: "false" },
  WHOLE: { type: "number", min: "0", step: "1" },
  NUMBER: { type: "number", step: "any" },
  DATE: { type: "date" },
};

// Where the list would stand above what was chosen, it is folded.
const WIDE = matchMedia("(min-width: 861px)");

const frame = {};

/** Shows the page; called again whenever the address changes. */
export async function questions(main, values, signal) {
  try {
    if (!frame.asked?.isConnected) await build(main, signal);
    const chosen = frame.saved.find(({ name }) => name === values.get("saved"));
    for (const one of frame.index.querySelectorAll("a")) {
      if (one.dataset.name === (chosen?.name ?? "")) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
    put(frame.asked, chosen ? form(chosen, values) : own(values));
    await answer(chosen, values, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    put(frame.asked?.isConnected ? frame.answer : main, problem(error, () => questions(main, values, signal)));
  }
}

async function build(main, signal) {
  put(main, h("h1", { class: "unseen", tabindex: "-1" }, t("page.questions")), loading(t("page.questions"), 3));
  frame.saved = (await askAsExpert(SAVED, {}, signal)).savedQueries;
  const one = (name, title, to) => h("li", {}, h("a", { href: link("questions", to), dataset: { name } }, title));
  const items = frame.saved.map((query) => [query, one(query.name, query.title, { saved: query.name })]);
  const find = ({ target }) => {
    const words = target.value.toLowerCase();
    for (const [query, item] of items) item.hidden = !`${query.title} ${query.question}`.toLowerCase().includes(words);
  };
  frame.index = h("ul", { class: "facet questions" }, one("", t("questions.own"), {}), items.map(([, item]) => item));
  frame.asked = h("div", { class: "asked" });
  frame.answer = h("div", { class: "answer" });
  put(
    main,
    h("h1", { class: "unseen", tabindex: "-1" }, t("page.questions")),
    h(
      "div",
      { class: "columns" },
      h(
        "aside",
        { class: "past", "aria-label": t("questions.list") },
        h(
          "details",
          { open: WIDE.matches },
          h("summary", {}, h("h2", {}, t("questions.list"))),
          h("label", { for: "find", class: "unseen" }, t("questions.find")),
          h("input", { type: "search", id: "find", class: "wide", placeholder: t("questions.find"), autocomplete: "off", oninput: find }),
          frame.index,
        ),
      ),
      h("div", {}, frame.asked, frame.answer),
    ),
  );
}

function form({ name, title, question, cypher, parameters }, values) {
  const fields = parameters.map((one) =>
    h(
      "div",
      {},
      h("label", { for: `of-${one.name}` }, sentence(one.meaning)),
      h("input", { ...INPUTS[one.type], id: `of-${one.name}`, dataset: { key: one.name }, name: one.name, value: values.get(one.name) ?? one.default, required: one.default === null }),
    ),
  );
  return [
    h("h2", {}, title),
    h("p", {}, question),
    asking({ saved: name }, h("div", { class: "fields" }, fields)),
    h("details", {}, h("summary", {}, t("questions.cypher")), h("pre", { tabindex: "0" }, cypher)),
  ];
}

function own(values) {
  const words = h("textarea", { id: "cypher", dataset: { key: "cypher" }, name: "cypher", rows: "6", spellcheck: "false", required: true }, values.get("cypher") ?? "");
  return [
    h("h2", {}, t("questions.own")),
    h("p", {}, t("questions.ownWords")),
    asking({}, h("label", { for: "cypher", class: "unseen" }, t("questions.cypher")), words),
  ];
}

/** A form whose values go into the address; what it had before is asked once more. */
function asking(what, ...fields) {
  const submit = (event) => {
    event.preventDefault();
    const to = link("questions", { ...what, ...Object.fromEntries(new FormData(event.target)) });
    if (to === location.hash) dispatchEvent(new HashChangeEvent("hashchange"));
    else go(to);
  };
  return h("form", { class: "asking", onsubmit: submit }, fields, h("button", { class: "button strong", dataset: { key: "ask" } }, t("questions.ask")));
}

async function answer(chosen, values, signal) {
  const given = Object.fromEntries((chosen?.parameters ?? []).map((one) => [one.name, values.get(one.name) ?? one.default]));
  if (chosen ? Object.values(given).includes(null) : !values.get("cypher")) return put(frame.answer);
  put(frame.answer, loading(t("questions.answer"), 1));
  const found = chosen
    ? (await askAsExpert(ASK_SAVED, { name: chosen.name, parameters: given }, signal)).askSaved
    : (await askAsExpert(ASK, { query: values.get("cypher") }, signal)).cypher;
  return put(frame.answer, found.rows.length ? rows(found) : empty(t("questions.none"), t("questions.noneWords")));
}

function rows({ columns, rows: all, complete, seconds }) {
  const about = { count: all.length, seconds: count(seconds) };
  const numbers = columns.map((_, place) => all.every((row) => row[place] === null || typeof row[place] === "number"));
  return [
    h("p", { class: "soft", role: "status" }, complete ? t("questions.rows", about) : t("questions.first", about)),
    table(t("questions.answer"), columns.map((name, place) => (numbers[place] ? `#${name}` : name)), all.map((row) => row.map(shown))),
  ];
}

/** A value as people read it: nodes by their type and id, paths as their nodes. */
function shown(value) {
  if (value === null) return "–";
  if (typeof value === "number") return count(value);
  if (typeof value !== "object") return `${value}`;
  if (Array.isArray(value)) return value.map(shown).join(t("paths.separator"));
  if (value.kind === "node") return `${value.labels.join(" ")} ${value.properties.id ?? ""}`;
  if (value.kind === "relationship") return value.type;
  if (value.kind === "path") return value.nodes.map(shown).join(" → ");
  return JSON.stringify(value);
}
