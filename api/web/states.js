// What stands where there is nothing to show: yet, at all, or because something is wrong.

import { h } from "./dom.js";
import { readiness, useKey } from "./graphql.js";
import { either, t } from "./language.js";
import { sentence } from "./words.js";

/** Grey shapes of what is to come. */
export function loading(what, shapes = 8) {
  return h(
    "div",
    { class: "loading", role: "status" },
    h("span", { class: "unseen" }, t("state.comes", { what })),
    Array.from({ length: shapes }, () => h("span", { class: "shape" })),
  );
}

/** Nothing to show, and what to do about it. */
export function empty(title, ...words) {
  return h("div", { class: "state" }, h("h2", {}, title), h("p", {}, ...words));
}

/** What went wrong, and the remedy; `again` asks once more. */
export function problem(error, again) {
  // What is asked for may be refused to everybody: then no key helps.
  const wants = ["UNAUTHENTICATED", "FORBIDDEN"].includes(error.code) && !error.field;
  const box = h(
    "div",
    { class: "state wrong", role: "alert" },
    h("h2", {}, error.field ? t("state.wrong") : either(`state.${error.code}`, t("state.wrong"))),
    h("p", {}, code(ended(error.message))),
    error.remedy ? h("p", {}, code(ended(error.remedy))) : null,
    wants ? keyForm(again) : h("p", {}, h("button", { type: "button", class: "button", onclick: again }, t("state.again"))),
  );
  if (error.code === "UNAVAILABLE" || error.code === "UNREACHABLE") whatIsMissing(box);
  return box;
}

async function whatIsMissing(box) {
  const found = await readiness();
  if (!found) return;
  const lines = [
    [t("state.graph"), found.store],
    [t("state.model"), found.artifact],
    [t("state.encoder"), found.encoder],
  ].map(([name, part]) => h("div", {}, h("dt", {}, name), h("dd", {}, part.status, part.problem ? [": ", code(part.problem)] : null)));
  box.append(h("dl", { class: "facts small" }, lines));
}

function keyForm(again) {
  const input = h("input", { type: "password", name: "key", id: "key", autocomplete: "off", required: true });
  const use = (event) => {
    event.preventDefault();
    useKey(input.value);
    again();
  };
  return h(
    "form",
    { class: "line", onsubmit: use },
    h("label", { for: "key" }, t("state.key")),
    input,
    h("button", { class: "button" }, t("state.use")),
    h("p", { class: "soft" }, t("state.kept")),
  );
}

// What stands between backticks is code.
function code(text) {
  return text.split("`").map((piece, place) => (place % 2 ? h("code", {}, piece) : piece));
}

const ended = (text) => sentence(text) + (/[.!?…]$/.test(text) ? "" : ".");
