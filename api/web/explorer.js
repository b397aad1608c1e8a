// The page: what the address names, and what all views have in common.

import { address } from "./address.js";
import { put } from "./dom.js";
import { why } from "./why.js";

// Each view is fetched when it is first looked at.
const VIEWS = {
  "": ["For whom", async () => (await import("./recommendations.js")).recommendations],
  search: ["Search", async () => (await import("./search.js")).search],
  model: ["Model", async () => (await import("./model.js")).model],
  data: ["Data", async () => (await import("./data.js")).data],
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
  document.title = `${title} · Pathrec`;
  for (const one of document.querySelectorAll("nav a[data-page]")) {
    if (one.dataset.page === page) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would name a view
  main.focus();
});
addEventListener("hashchange", show);
show();
