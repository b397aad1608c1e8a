// A score as bars that begin where the one before ends: prior, contributions, what is left, and at last the score.

import { h } from "./dom.js";
import { t } from "./language.js";
import { kind, plain, sentence, signed } from "./words.js";

const SHOWN = 8;
const typeOf = (part) => (part.kind === "PATH" ? "paths" : "others");

/** The steps from nothing to a score: `{ name, words, value, from, to, type }` each, the last one ends at the score. */
function steps({ score, prior, lifts, contributions, remainder }) {
  const listed = contributions.slice(0, SHOWN);
  const rest = (type) => contributions.slice(SHOWN).filter((part) => typeOf(part) === type);
  const parts = [
    { name: t("sum.prior"), words: [t("sum.priorWords"), ...lifts.map(lifted)].join(""), value: prior, type: "prior" },
    ...listed.map((part) => ({
      name: sentence(kind(part)),
      words: part.text,
      value: part.value,
      type: typeOf(part),
    })),
    ...summed(t("sum.smallPaths", { count: rest("paths").length }), "paths", rest("paths")),
    ...summed(t("sum.smallOthers", { count: rest("others").length }), "others", rest("others")),
    ...summed(t("sum.more", { count: remainder.count }), "others", Array(remainder.count ? 1 : 0).fill(remainder)),
  ];
  let at = 0;
  for (const part of parts) {
    part.from = at;
    at += part.value;
    part.to = at;
  }
  parts.at(-1).to = score; // the same but for the last digits of the additions
  return parts;
}

/** The bars as a table. */
export function waterfall(explanation) {
  const parts = steps(explanation);
  const ends = [0, ...parts.map((part) => part.to)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const digits = high - low >= 10 ? 2 : high - low >= 0.05 ? 3 : 5;
  const place = (value) => `${high > low ? (100 * (value - low)) / (high - low) : 0}%`;
  const round = (value) => Number(value.toFixed(digits));
  const row = ({ name, words, from, to, type }, last = false) =>
    h(
      "tr",
      { class: last ? "total" : "" },
      h("th", { scope: "row" }, name, words ? h("small", {}, words) : null),
      h(
        "td",
        { class: "track", "aria-hidden": "true" },
        h("i", { class: "zero", style: { left: place(0) } }),
        h("i", {
          class: `bar ${to < from ? "against" : type}`,
          style: { left: place(Math.min(from, to)), right: `calc(100% - ${place(Math.max(from, to))})` },
        }),
        last ? null : h("i", { class: "step out", style: { left: place(to) } }),
        type === "prior" ? null : h("i", { class: "step in", style: { left: place(last ? to : from) } }),
      ),
      // The difference of rounded sums, so that what is shown adds up to the last digit.
      h("td", { class: "number" }, last ? plain(round(to), digits) : signed(round(round(to) - round(from)), digits)),
      h("td", { class: "number soft" }, last ? "" : plain(round(to), digits)),
    );
  return h(
    "table",
    { class: "waterfall" },
    h(
      "thead",
      {},
      h("tr", {}, h("th", { scope: "col" }, t("sum.part")), h("td", { "aria-hidden": "true" }), h("th", { scope: "col" }, t("sum.adds")), h("th", { scope: "col" }, t("sum.sum"))),
    ),
    h("tbody", {}, parts.map((part) => row(part)), row({ name: t("sum.score"), words: "", from: 0, to: explanation.score, type: "score" }, true)),
  );
}

/** What the colours of the bars mean; only those that are there. */
export function barLegend(explanation) {
  const parts = steps(explanation);
  const there = new Set(parts.map((part) => (part.value < 0 ? "against" : part.type)));
  return h(
    "ul",
    { class: "legend" },
    ["prior", "paths", "others", "against"]
      .filter((type) => there.has(type))
      .map((type) => h("li", {}, h("i", { class: `swatch ${type}` }), t(`colour.${type}`))),
  );
}

/** Several parts as one; none if there are none. */
const summed = (name, type, parts) =>
  parts.length ? [{ name, words: "", type, value: parts.reduce((total, part) => total + part.value, 0) }] : [];

const lifted = ({ name, value, amount }) => t("sum.lift", { amount: signed(amount), name, value });
