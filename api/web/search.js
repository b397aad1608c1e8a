// Products by words, narrowed by what was found, in the order of whoever looks.

import { go, link } from "./address.js";
import { CARD, PAGE, cards, more, rerank } from "./cards.js";
import { h, put } from "./dom.js";
import { FACETS, all, filterOf, groups, narrowed } from "./facets.js";
import { ask } from "./graphql.js";
import { t } from "./language.js";
import { empty, loading, problem } from "./states.js";
import { products } from "./words.js";
import { why } from "./why.js";

const ARGUMENTS = "query: $query, audience: $audience, filter: $filter";
const FOUND = `
query($query: String!, $audience: AudienceInput, $filter: ProductFilter) {
  search(${ARGUMENTS}, first: ${PAGE}) {
    totalCount lexicalOnly queryWasCut asOf modelVersion pageInfo { hasNextPage endCursor } edges { ${CARD} }
    ${FACETS}
  }
}`;
const MORE = `
query($query: String!, $audience: AudienceInput, $filter: ProductFilter, $after: String!) {
  search(${ARGUMENTS}, first: ${PAGE}, after: $after) { pageInfo { hasNextPage endCursor } edges { ${CARD} } }
}`;

const frame = {};

/** Shows the page; called again whenever the address changes. */
export async function search(main, values, signal) {
  if (!frame.cards?.isConnected) build(main, values);
  const { asked, audience } = read(values);
  const key = JSON.stringify([asked, audience]);
  try {
    if (frame.key !== key) {
      frame.cards.setAttribute("aria-busy", "true");
      const { search: found } = await ask(FOUND, { ...asked, audience }, signal);
      frame.key = key;
      frame.list = found;
      show(found, values, { ...asked, audience });
      frame.cards.removeAttribute("aria-busy");
    }
    await why(values.get("why"), audience, { list: frame.list, search: asked }, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    frame.key = null;
    put(frame.facets);
    put(frame.cards, problem(error, () => search(main, values, signal)));
    frame.cards.removeAttribute("aria-busy");
  }
}

/** What an address asks for. */
function read(values) {
  const filter = { ...filterOf(values), includeBought: true };
  return { asked: { query: values.get("q") ?? "", filter }, audience: { userId: values.get("user"), without: values.getAll("without") } };
}

function build(main, values) {
  const words = h("input", { type: "search", id: "words", name: "q", autocomplete: "off" });
  const user = h("input", { id: "as", name: "user", autocomplete: "off", spellcheck: "false" });
  words.value = values.get("q") ?? "";
  user.value = values.get("user") ?? "";
  const submit = (event) => {
    event.preventDefault();
    go(link("search", { q: words.value.trim(), user: user.value.trim() }));
  };
  frame.key = null;
  frame.facets = h("aside", { class: "past", "aria-label": t("filter.narrow") });
  frame.words = h("div", { role: "status" });
  frame.cards = h("div", { class: "list" }, loading(t("model.products")));
  put(
    main,
    h("h1", { class: "unseen", tabindex: "-1" }, t("page.search")),
    h(
      "form",
      { class: "chooser", role: "search", "aria-label": t("search.form"), onsubmit: submit },
      h("div", { class: "line grows" }, h("label", { for: "words" }, t("search.words")), words),
      h("div", { class: "line" }, h("label", { for: "as" }, t("search.as")), user, h("button", { class: "button strong" }, t("page.search"))),
    ),
    h("div", { class: "columns" }, frame.facets, h("div", {}, frame.words, frame.cards)),
  );
}

function show(found, values, asked) {
  const { totalCount, lexicalOnly, queryWasCut, edges, pageInfo } = found;
  put(
    frame.words,
    h("p", { class: "soft" }, totalCount ? counted(totalCount, values.get("user")) : null),
    lexicalOnly && asked.query ? h("p", { class: "note" }, t("search.lexical")) : null,
    queryWasCut ? h("p", { class: "note" }, t("search.cut")) : null,
  );
  put(frame.facets, facets(found.facets, values, edges[0]?.node.price?.currencyCode));
  if (!edges.length) return put(frame.cards, empty(t("search.empty"), t("search.emptyWords")));
  const list = cards(edges);
  const next = async (after) => (await ask(MORE, { ...asked, after })).search;
  rerank(frame.cards, [list, more(list, pageInfo, next)].filter(Boolean));
}

const counted = (size, user) => (user ? t("search.found", { products: products(size), user }) : products(size));

function facets(found, values, currencyCode) {
  const open = frame.facets.querySelector("details")?.open ?? matchMedia("(min-width: 860px)").matches;
  return h(
    "details",
    { open },
    h("summary", { dataset: { key: "facets" } }, h("h2", {}, t("filter.narrow"))),
    narrowed(values) ? h("p", {}, all()) : null,
    groups(found, values, currencyCode),
  );
}
