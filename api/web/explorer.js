// The page: what the address names, and what all views have in common.

import { address } from "./address.js";
import { h, put } from "./dom.js";
import { language, others, t, use } from "./language.js";
import { why } from "./why.js";

// Each view is fetched when it is first looked at.
const VIEWS = {
  "": ["audience", async () => (await import("./recommendations.js")).recommendations],
  search: ["search", async () => (await import("./search.js")).search],
  questions: ["questions", async () => (await import("./questions.js")).questions],
  model: ["model", async () => (await import("./model.js")).model],
  data: ["data", async () => (await import("./data.js")).data],
};

const main = document.getElementById("main");
let asking = new AbortController();
let shown = null;

async function show() {
  const { page, values } = address();
  const [title, view] = VIEWS[page] ?? VIEWS[""];
  asking.abort();
  asking = new AbortController();
  if (shown !== page) {
    if (!values.has("why")) why(null);
    put(main);
    mark(page, title);
  }
  const before = shown;
  shown = page;
  await (await view())(main, values, asking.signal);
  // Whoever cannot see must be told that another page is there.
  if (before !== null && before !== page) main.querySelector("h1")?.focus();
}

function mark(page, title) {
  document.title = `${t(`page.${title}`)} · Pathrec`;
  for (const one of document.querySelectorAll("nav a[data-page]")) {
    if (one.dataset.page === page) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

/** The words of the page itself, and the other languages to choose from. */
function translate() {
  document.documentElement.lang = language;
  for (const one of document.querySelectorAll("[data-words]")) one.textContent = t(one.dataset.words);
  document.querySelector("nav").setAttribute("aria-label", t("page.pages"));
  const choices = others.map(([code, name]) => h("button", { type: "button", class: "language", lang: code, onclick: () => use(code) }, name));
  document.querySelector(".top").append(h("div", { class: "languages", role: "group", "aria-label": t("page.language") }, choices));
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would name a view
  main.focus();
});
translate();
addEventListener("hashchange", show);
show();
