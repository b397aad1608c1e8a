// What stands where there is nothing to show: yet, at all, or because something is wrong.

import { h } from "./dom.js";
import { readiness, useKey } from "./graphql.js";
import { sentence } from "./words.js";

/** Grey shapes of what is to come. */
export function loading(what, shapes = 8) {
  return h(
    "div",
    { class: "loading", role: "status" },
    h("span", { class: "unseen" }, `${what} …`),
    Array.from({ length: shapes }, () => h("span", { class: "shape" })),
  );
}

/** Nothing to show, and what to do about it. */
export function empty(title, ...words) {
  return h("div", { class: "state" }, h("h2", {}, title), h("p", {}, ...words));
}

/** What went wrong, and the remedy; `again` asks once more. */
export function problem(error, again) {
  const wants = ["UNAUTHENTICATED", "FORBIDDEN"].includes(error.code);
  const box = h("div", { class: "state wrong", role: "alert" });
  box.append(
    h("h2", {}, TITLES[error.code] ?? "This did not work"),
    h("p", {}, code(ended(error.message))),
    error.remedy ? h("p", {}, code(ended(error.remedy))) : null,
    wants ? keyForm(again) : h("p", {}, h("button", { type: "button", class: "button", onclick: again }, "Try again")),
  );
  if (error.code === "UNAVAILABLE" || error.code === "UNREACHABLE") whatIsMissing(box);
  return box;
}

const TITLES = {
  UNAVAILABLE: "The shop cannot answer yet",
  UNREACHABLE: "No connection",
  UNAUTHENTICATED: "This server asks for a key",
  FORBIDDEN: "This needs another key",
  OVERLOADED: "The server has too much to do",
  CURSOR_EXPIRED: "A new model is served by now",
};

async function whatIsMissing(box) {
  const found = await readiness();
  if (!found) return;
  const lines = [
    ["Graph", found.store],
    ["Model", found.artifact],
    ["Encoder of words", found.encoder],
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
    h("label", { for: "key" }, "Key"),
    input,
    h("button", { class: "button" }, "Use it"),
    h("p", { class: "soft" }, "It is kept until this tab is closed, and sent to this server only."),
  );
}

// What stands between backticks is code.
function code(text) {
  return text.split("`").map((piece, place) => (place % 2 ? h("code", {}, piece) : piece));
}

const ended = (text) => sentence(text) + (/[.!?…]$/.test(text) ? "" : ".");
