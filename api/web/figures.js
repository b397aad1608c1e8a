// Figures of the model and of the data: facts in a row, panels, tables.

import { h } from "./dom.js";

/** Names and values, large. */
export function facts(shown, kind = "") {
  return h("dl", { class: `facts ${kind}` }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A part of the page with a title. */
export const panel = (title, ...content) => h("section", { class: "panel" }, h("h2", {}, title), content);

/** A table that may be wider than the page. A title that begins with # is of numbers; a cell may be several things. */
export function table(name, titles, rows) {
  const kind = (place) => (titles[place].startsWith("#") ? "number" : null);
  const title = (text, place) => h("th", { scope: "col", class: kind(place) }, text.replace("#", ""));
  const cell = (content, place) => (place ? h("td", { class: kind(place) }, content) : h("th", { scope: "row" }, content));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
    h(
      "table",
      { class: "figured" },
      h("thead", {}, h("tr", {}, titles.map(title))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))),
    ),
  );
}
