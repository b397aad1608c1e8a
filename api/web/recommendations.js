// Somebody's history beside what is recommended to them.

import { changed } from "./address.js";
import { ANYBODY, audienceOf, chooser, titleOf } from "./audience.js";
import { CARD, PAGE, cards, more, rerank } from "./cards.js";
import { h, put } from "./dom.js";
import { filterOf, narrowed } from "./facets.js";
import { filters } from "./filters.js";
import { ask } from "./graphql.js";
import { byProduct, summary, switches } from "./history.js";
import { pieces, t } from "./language.js";
import { picture } from "./picture.js";
import { empty, loading, problem } from "./states.js";
import { products, spaced, time } from "./words.js";
import { why } from "./why.js";

// Whoever looks here is not the audience: its lists are not logged as shown to it.
const LIST = `
query($audience: AudienceInput!, $whole: AudienceInput!, $filter: ProductFilter, $user: String!, $known: Boolean!) {
  user(userId: $user) @include(if: $known) { attributes { name value } }
  whole: recommendations(audience: $whole, filter: $filter, first: 100, preview: true) {
    edges { rank node { productId title image { url } } }
    history(first: 100) { behaviour events lastAt product { productId title image { url } } }
  }
  now: recommendations(audience: $audience, filter: $filter, first: ${PAGE}, preview: true) {
    strategy asOf modelVersion withoutText pageInfo { hasNextPage endCursor } edges { ${CARD} }
  }
}`;
const MORE = `
query($audience: AudienceInput!, $filter: ProductFilter, $after: String!) {
  recommendations(audience: $audience, filter: $filter, first: ${PAGE}, after: $after, preview: true) {
    pageInfo { hasNextPage endCursor } edges { ${CARD} }
  }
}`;
const frame = {}; // what stays while the list changes

/** Shows the page; called again whenever the address changes. */
export async function recommendations(main, values, signal) {
  const named = audienceOf(values);
  const audience = named ?? ANYBODY;
  const whom = JSON.stringify(named);
  if (!frame.cards?.isConnected || frame.whom !== whom) {
    build(main, values, named);
    Object.assign(frame, { whom, asked: null });
  }
  const without = values.getAll("without");
  const [asked, filter] = [{ ...audience, without }, filterOf(values)];
  const key = JSON.stringify([without, filter]);
  try {
    if (frame.asked !== key) {
      frame.cards.setAttribute("aria-busy", "true");
      const whole = { ...audience, without: [] };
      const known = audience.userId !== null;
      const [found] = await Promise.all([
        ask(LIST, { audience: asked, whole, filter, user: audience.userId ?? "", known }, signal),
        filters(frame.filters, values, signal),
      ]);
      frame.asked = key;
      frame.list = found.now;
      frame.entries = byProduct(found.whole.history);
      show(found, asked, filter, narrowed(values));
      frame.cards.removeAttribute("aria-busy");
    }
    await why(values.get("why"), asked, { list: frame.list, past: frame.entries, filtered: narrowed(values) }, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    frame.asked = null;
    put(frame.cards, problem(error, () => recommendations(main, values, signal)));
    put(frame.past);
    put(frame.words);
    frame.cards.removeAttribute("aria-busy");
  }
}

function build(main, values, audience) {
  frame.past = h("aside", { class: "past", "aria-label": t("history.title") });
  frame.words = h("div", { class: "about", role: "status" });
  frame.filters = h("div", { class: "filters" });
  frame.cards = h("div", { class: "list" });
  const within = main.contains(document.activeElement);
  const title = h("h1", { tabindex: "-1" }, audience ? titleOf(audience) : t("welcome.title"));
  put(
    main,
    audience ? null : h("div", { class: "welcome" }, title, h("p", {}, t("welcome.words"))),
    chooser(values),
    audience
      ? h("div", { class: "columns" }, frame.past, h("div", {}, h("div", { class: "over" }, title, frame.words), frame.filters, frame.cards))
      : h("section", {}, h("h2", { class: "over" }, t("welcome.list")), frame.filters, frame.cards),
  );
  put(frame.cards, loading(t("list.recommendations")));
  if (within) title.focus(); // what had the focus is gone
}

function show({ user, whole, now }, audience, filter, fewer) {
  const before = new Map(whole.edges.map(({ node, rank }) => [node.productId, rank]));
  const { without } = audience;
  const taken = without.length > 0;
  past(frame.entries, user, audience);
  put(frame.words, about(now, taken ? gone(whole, now) : null, without));
  if (!now.edges.length) {
    put(frame.cards, empty(t("list.empty"), fewer ? t("list.emptyFilter") : pieces("list.emptyShop", { command: h("code", {}, "pathrec ingest") })));
    return;
  }
  const list = cards(now.edges, taken ? before : null);
  const next = async (after) => (await ask(MORE, { audience, filter, after })).recommendations;
  rerank(frame.cards, [list, taken ? leavers(whole, now) : null, more(list, now.pageInfo, next, taken ? before : null)].filter(Boolean));
}

function about({ strategy, asOf, modelVersion, withoutText, edges }, left, without) {
  return [
    h("p", { class: "soft" }, t("list.about", { strategy: t(`list.${strategy}`), time: time(asOf), model: modelVersion })),
    withoutText ? h("p", { class: "note" }, t("list.wordsUnread")) : null,
    left === null
      ? null
      : h(
          "p",
          { class: "note" },
          pieces("list.without", {
            products: products(without.length),
            change: left ? t("list.changed", { count: left, all: edges.length }) : t("list.same"),
            again: h("a", { href: changed({ without: null }), dataset: { key: "count-all" } }, t("list.all")),
          }),
        ),
  ];
}

/** How many of the list were not in its first places before. */
function gone(whole, now) {
  const first = new Set(whole.edges.slice(0, now.edges.length).map(({ node }) => node.productId));
  return now.edges.filter(({ node }) => !first.has(node.productId)).length;
}

/** What was in the list and is no longer. */
function leavers(whole, now) {
  const here = new Set(now.edges.map(({ node }) => node.productId));
  const left = whole.edges.slice(0, now.edges.length).filter(({ node }) => !here.has(node.productId));
  if (!left.length) return null;
  return h(
    "section",
    { class: "left" },
    h("h2", {}, t("list.left", { count: now.edges.length })),
    h(
      "ul",
      {},
      left.map(({ node, rank }) =>
        h("li", {}, h("a", { href: changed({ why: node.productId }), dataset: { key: node.productId } }, picture(node, "small"), h("span", {}, node.title ?? node.productId), h("small", {}, t("list.was", { rank })))),
      ),
    ),
  );
}

function past(entries, user, audience) {
  const { without } = audience;
  const open = frame.past.querySelector("details")?.open ?? matchMedia("(min-width: 860px)").matches;
  put(
    frame.past,
    user?.attributes.length ? h("p", { class: "soft" }, user.attributes.map(({ name, value }) => `${spaced(name)} ${value}`).join(" · ")) : null,
    h(
      "details",
      { open },
      h("summary", { dataset: { key: "history" } }, h("h2", {}, t("history.title")), h("small", {}, summary(entries, without))),
      entries.length
        ? [h("p", { class: "soft" }, t("history.switch")), switches(entries, without)]
        : h("p", { class: "soft" }, unknown(user, audience)),
    ),
  );
}

function unknown(user, audience) {
  if (audience.userId && user === null) return t("history.nobody", { user: audience.userId });
  return t(audience.productIds.length ? "history.noProduct" : "history.nothing");
}
