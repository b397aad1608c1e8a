// The reasons for one product, in a sheet over the list: its paths, its score as a sum, and what if.

import { changed, go } from "./address.js";
import { barLegend, waterfall } from "./bars.js";
import { h, put } from "./dom.js";
import { ask } from "./graphql.js";
import { byProduct, switches } from "./history.js";
import { language, pieces, t } from "./language.js";
import { graph } from "./paths.js";
import { picture } from "./picture.js";
import { loading, problem } from "./states.js";
import { ordinal, percent, plain, price, sentence, signed } from "./words.js";

const ITEM = "behaviour events lastAt product { productId title image { url } }";
const PRODUCT = `product(productId: $product) {
  productId title description price { amount currencyCode } image { url } available brand { name } categories { name }
}`;
const REASONS = `
  rank score prior readableShare lifts { name value amount } remainder { count value }
  contributions(first: 100) {
    kind relation value text(locale: "${language}") words because { ${ITEM} } interest { type nodeId name }
  }
  drawn: contributions(first: 16) { path { cypher nodes { type keys names count } } }
  counterfactual { newRank minimal words items { ${ITEM} } interests { name } }`;
const LISTED = `
query($audience: AudienceInput!, $product: String!, $asOf: DateTime, $model: String) {
  ${PRODUCT}
  explain(audience: $audience, productId: $product, asOf: $asOf, modelVersion: $model) { ${REASONS} }
}`;
// What was searched for is part of the score, so the reasons are those of a page with this product alone.
const FOUND = `
query($audience: AudienceInput!, $product: String!, $query: String!, $filter: ProductFilter, $after: String) {
  ${PRODUCT}
  search(query: $query, audience: $audience, filter: $filter, first: 1, after: $after) {
    edges { node { productId } explanation { ${REASONS} } }
  }
}`;

const dialog = document.getElementById("why");
let shown = null; // the product in the sheet
let opener = null; // what had the focus before

/** Shows the reasons for a product for an audience; null closes the sheet.
 *
 * `list` is where it stands, a connection: the reasons are those of its moment. `past` is the whole history, `search`
 * the query and filter of a list that was searched for; a `filtered` list has other ranks than the reasons. */
export async function why(product, audience, where = {}, signal = undefined) {
  if (signal?.aborted) return; // the address is another one by now
  if (product === null) {
    close();
    return;
  }
  if (shown !== product) {
    opener ??= document.activeElement;
    put(dialog, bar(), loading(t("why.reasons"), 3));
    shown = product;
  }
  if (!dialog.open) dialog.showModal();
  try {
    const found = await reasons(product, audience, where, signal);
    if (shown === product) draw(found, audience, where);
  } catch (error) {
    if (error.name !== "AbortError") put(dialog, bar(), problem(error, () => why(product, audience, { ...where, list: null }, signal)));
  }
}

async function reasons(product, audience, { list, search }, signal) {
  const edges = list?.edges ?? [];
  const place = edges.findIndex(({ node }) => node.productId === product);
  if (search && place >= 0) {
    const after = edges[place - 1]?.cursor;
    const found = await ask(FOUND, { audience, product, ...search, after }, signal);
    const [edge] = found.search.edges;
    if (edge?.node.productId === product) return { product: found.product, explain: edge.explanation };
  }
  return ask(LISTED, { audience, product, asOf: list?.asOf, model: list?.modelVersion }, signal);
}

function close() {
  if (!dialog.open) return;
  const was = shown;
  shown = null;
  dialog.close();
  put(dialog);
  // The list may have been drawn anew, so the card is looked for by its product.
  const card = document.querySelector(`main [data-key="${CSS.escape(was)}"]`);
  (card ?? (opener?.isConnected ? opener : document.getElementById("main"))).focus();
  opener = null;
}

const leave = () => go(changed({ why: null }));

// Esc, and a click beside the sheet.
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  leave();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog && event.clientX < dialog.getBoundingClientRect().left) leave();
});

// The graph has the width of the sheet.
let redraw = () => {};
new ResizeObserver(() => redraw()).observe(dialog);

function bar() {
  return h("button", { type: "button", class: "close", "aria-label": t("why.close"), onclick: leave, dataset: { key: "close" } }, h("span", { "aria-hidden": "true" }, "×"));
}

function draw({ product, explain }, audience, { past = [], filtered = false }) {
  const parts = explain.contributions.map((part, place) => ({ ...part, path: explain.drawn[place]?.path ?? null }));
  const paths = h("div", { class: "drawing" });
  put(
    dialog,
    bar(),
    head(product, explain, filtered),
    h("section", {}, h("h3", {}, t("why.paths")), paths),
    h("section", {}, h("h3", {}, t("why.sum")), barLegend(explain), waterfall(explain)),
    whatIf(explain, audience, past),
    cypher(parts),
  );
  redraw = () => {
    const width = paths.clientWidth;
    if (!width || paths.dataset.width === String(width)) return;
    paths.dataset.width = width;
    put(paths, graph(parts, product, width) ?? h("p", { class: "soft" }, withoutPaths(explain)));
  };
  redraw();
}

function head(product, { rank, score, readableShare, contributions }, filtered) {
  const facts = [product.brand?.name, product.categories.map(({ name }) => name).join(", "), price(product.price)].filter(Boolean);
  return h(
    "header",
    { class: "head" },
    picture(product, "middle"),
    h(
      "div",
      {},
      h("h2", { id: "why-title" }, product.title ?? product.productId),
      h("p", { class: "soft" }, facts.join(" · "), product.available ? null : ` · ${t("why.unavailable")}`),
      h(
        "p",
        { class: "headline" },
        h("span", {}, pieces(filtered ? "why.rankUnfiltered" : "why.rank", { rank: h("b", {}, ordinal(rank)) })),
        h("span", {}, pieces("why.score", { score: h("b", { dataset: { score } }, plain(score)) })),
        contributions.length ? h("span", {}, pieces("why.readable", { share: h("b", {}, percent(readableShare)) })) : null,
      ),
    ),
  );
}

/** Why no path is drawn; those of smaller reasons are not asked for. */
function withoutPaths({ contributions, readableShare }) {
  if (!contributions.length) return t("why.nothing");
  return t(readableShare > 0 ? "why.noLargePath" : "why.noPath");
}

/** What each product of the history gives, to be taken out, and the smallest part without which it would leave. */
function whatIf({ contributions, counterfactual }, audience, past) {
  const gives = new Map();
  for (const { because, value } of contributions)
    if (because) gives.set(because.product.productId, (gives.get(because.product.productId) ?? 0) + value);
  const here = byProduct(contributions.flatMap(({ because }) => because ?? []));
  const known = new Map([...here, ...past].map((entry) => [entry.product.productId, entry]));
  const seen = [...known.values()].filter(({ product: { productId } }) => gives.has(productId) || audience.without.includes(productId));
  if (!seen.length) return null;
  seen.sort((a, b) => titleOf(a.product).localeCompare(titleOf(b.product)));
  const facts = ({ product }) => (gives.has(product.productId) ? t("why.gives", { value: signed(gives.get(product.productId)) }) : t("why.out"));
  return h(
    "section",
    {},
    h("h3", {}, t("why.whatIf")),
    counterfactual ? h("p", {}, smallest(counterfactual), leaveOut(counterfactual, audience)) : null,
    h("p", { class: "soft" }, t("why.takeOut")),
    switches(seen, audience.without, facts),
  );
}

const titleOf = (product) => product.title ?? product.productId;

function smallest({ items, interests, words, newRank, minimal }) {
  const names = [...new Set(items.map(({ product }) => t("for.quoted", { words: titleOf(product) }))), ...interests.map(({ name }) => name), ...(words ? [t("why.theWords")] : [])];
  return t(minimal ? "why.smallest" : "why.small", { parts: new Intl.ListFormat(language).format(names), rank: ordinal(newRank) });
}

function leaveOut({ items }, audience) {
  const ids = [...new Set(items.map(({ product }) => product.productId))];
  if (!ids.length) return null;
  const out = () => go(changed({ without: [...new Set([...audience.without, ...ids])] }), { instead: true });
  return h("button", { type: "button", class: "button", onclick: out, dataset: { key: "leave-out" } }, t(ids.length > 1 ? "why.takeThem" : "why.takeIt"));
}

/** The queries that return the paths, for those who may see them. */
function cypher(parts) {
  const found = parts.filter((part) => part.path?.cypher);
  if (!found.length) return null;
  return h(
    "details",
    {},
    h("summary", {}, t("why.cypher")),
    found.map((part) => [h("p", { class: "soft" }, sentence(part.text)), h("pre", { tabindex: "0" }, part.path.cypher)]),
  );
}
