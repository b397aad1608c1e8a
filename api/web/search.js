// Products by words, narrowed by what was found, in the order of whoever looks.

import { changed, go, link } from "./address.js";
import { CARD, PAGE, cards, more, rerank } from "./cards.js";
import { h, put } from "./dom.js";
import { ask } from "./graphql.js";
import { empty, loading, problem } from "./states.js";
import { count, price, some } from "./words.js";
import { why } from "./why.js";

const ARGUMENTS = "query: $query, audience: $audience, filter: $filter";
const FOUND = `
query($query: String!, $audience: AudienceInput, $filter: ProductFilter) {
  search(${ARGUMENTS}, first: ${PAGE}) {
    totalCount lexicalOnly queryWasCut asOf modelVersion pageInfo { hasNextPage endCursor } edges { ${CARD} }
    facets {
      categories { count category { categoryId name } }
      brands { count brand { brandId name } }
      prices { min max count }
    }
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
  const [low, high] = ["min", "max"].map((name) => (values.has(name) ? Number(values.get(name)) : null));
  const filter = {
    categoryIds: values.getAll("category"),
    ...(values.has("brand") ? { brandIds: values.getAll("brand") } : {}),
    price: low === null && high === null ? null : { min: low, max: high },
    includeBought: true,
  };
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
  frame.facets = h("aside", { class: "past", "aria-label": "Narrow down" });
  frame.words = h("div", { role: "status" });
  frame.cards = h("div", { class: "list" }, loading("Products"));
  put(
    main,
    h("h1", { class: "unseen", tabindex: "-1" }, "Search"),
    h(
      "form",
      { class: "chooser", role: "search", "aria-label": "Search for products", onsubmit: submit },
      h("div", { class: "line grows" }, h("label", { for: "words" }, "Words"), words),
      h("div", { class: "line" }, h("label", { for: "as" }, "Seen by shopper"), user, h("button", { class: "button strong" }, "Search")),
    ),
    h("div", { class: "columns" }, frame.facets, h("div", {}, frame.words, frame.cards)),
  );
}

function show(found, values, asked) {
  const { totalCount, lexicalOnly, queryWasCut, edges, pageInfo } = found;
  put(
    frame.words,
    h("p", { class: "soft" }, totalCount ? `${some(totalCount, "product")}${values.get("user") ? `, in the order of ${values.get("user")}` : ""}` : null),
    lexicalOnly && asked.query ? h("p", { class: "note" }, "Only the words themselves were looked up: what they mean cannot be read now.") : null,
    queryWasCut ? h("p", { class: "note" }, "The query was longer than what is read; its end does not count.") : null,
  );
  put(frame.facets, facets(found.facets, values, edges[0]?.node.price?.currencyCode));
  if (!edges.length) return put(frame.cards, empty("Nothing was found", "Try fewer or other words, or narrow it down less."));
  const list = cards(edges);
  const next = async (after) => (await ask(MORE, { ...asked, after })).search;
  rerank(frame.cards, [list, more(list, pageInfo, next)].filter(Boolean));
}

function facets({ categories, brands, prices }, values, currencyCode) {
  const open = frame.facets.querySelector("details")?.open ?? matchMedia("(min-width: 860px)").matches;
  const narrowed = ["category", "brand", "min", "max"].some((name) => values.has(name));
  const groups = [
    facet("Category", categories.map(({ category, count: size }) => choice("category", category.categoryId, category.name, size, values))),
    facet("Brand", brands.map(({ brand, count: size }) => choice("brand", brand.brandId, brand.name, size, values))),
    facet("Price", prices.map((range) => priced(range, values, currencyCode))),
  ];
  return h(
    "details",
    { open },
    h("summary", { dataset: { key: "facets" } }, h("h2", {}, "Narrow down")),
    narrowed ? h("p", {}, h("a", { href: changed({ category: null, brand: null, min: null, max: null }), dataset: { key: "all" } }, "Show all again")) : null,
    groups,
  );
}

const facet = (name, choices) => (choices.length ? h("section", { class: "facet" }, h("h3", {}, name), h("ul", {}, choices)) : null);

/** A value that can be chosen beside others of its kind. */
function choice(name, key, title, size, values) {
  const chosen = values.getAll(name);
  const now = chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key];
  return entry(title ?? key, size, chosen.includes(key), changed({ [name]: now, why: null }), `${name}-${key}`);
}

function priced({ min, max, count: size }, values, currencyCode) {
  const chosen = values.get("min") === String(min) && values.get("max") === String(max);
  const range = [...new Set([min, max])].map((amount) => price({ amount, currencyCode })).join(" – ");
  return entry(range, size, chosen, changed({ min: chosen ? null : min, max: chosen ? null : max, why: null }), `price-${min}`);
}

const entry = (title, size, chosen, href, key) =>
  h("li", {}, h("a", { href, "aria-current": chosen ? "true" : null, dataset: { key } }, h("span", {}, title), h("small", {}, count(size))));
