// Somebody's history beside what is recommended to them.

import { changed } from "./address.js";
import { ANYBODY, audienceOf, chooser, titleOf } from "./audience.js";
import { CARD, PAGE, cards, more, rerank } from "./cards.js";
import { h, put } from "./dom.js";
import { ask } from "./graphql.js";
import { byProduct, summary, switches } from "./history.js";
import { picture } from "./picture.js";
import { empty, loading, problem } from "./states.js";
import { some, spaced, time } from "./words.js";
import { why } from "./why.js";

const LIST = `
query($audience: AudienceInput!, $whole: AudienceInput!, $user: String!, $known: Boolean!) {
  user(userId: $user) @include(if: $known) { attributes { name value } }
  whole: recommendations(audience: $whole, first: 100) {
    edges { rank node { productId title image { url } } }
    history(first: 100) { behaviour events lastAt product { productId title image { url } } }
  }
  now: recommendations(audience: $audience, first: ${PAGE}) {
    strategy asOf modelVersion withoutText pageInfo { hasNextPage endCursor } edges { ${CARD} }
  }
}`;
const MORE = `
query($audience: AudienceInput!, $after: String!) {
  recommendations(audience: $audience, first: ${PAGE}, after: $after) {
    pageInfo { hasNextPage endCursor } edges { ${CARD} }
  }
}`;
const STRATEGIES = {
  PERSONAL: "From what this shopper did",
  COLD_START: "From what was given",
  POPULAR: "What most shoppers choose, since nothing is known of the viewer",
};

const frame = {}; // what stays while the list changes

/** Shows the page; called again whenever the address changes. */
export async function recommendations(main, values, signal) {
  const named = audienceOf(values);
  const audience = named ?? ANYBODY;
  const whom = JSON.stringify(named);
  if (!frame.cards?.isConnected || frame.whom !== whom) {
    build(main, values, named);
    Object.assign(frame, { whom, without: null });
  }
  const without = values.getAll("without");
  const asked = { ...audience, without };
  try {
    if (frame.without !== without.join("\n")) {
      frame.cards.setAttribute("aria-busy", "true");
      const whole = { ...audience, without: [] };
      const known = audience.userId !== null;
      const found = await ask(LIST, { audience: asked, whole, user: audience.userId ?? "", known }, signal);
      frame.without = without.join("\n");
      frame.list = found.now;
      frame.entries = byProduct(found.whole.history);
      show(found, asked);
      frame.cards.removeAttribute("aria-busy");
    }
    await why(values.get("why"), asked, { list: frame.list, past: frame.entries }, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    frame.without = null;
    put(frame.cards, problem(error, () => recommendations(main, values, signal)));
    put(frame.past);
    put(frame.words);
    frame.cards.removeAttribute("aria-busy");
  }
}

function build(main, values, audience) {
  frame.past = h("aside", { class: "past", "aria-label": "History" });
  frame.words = h("div", { class: "about", role: "status" });
  frame.cards = h("div", { class: "list" });
  const within = main.contains(document.activeElement);
  const title = h("h1", { tabindex: "-1" }, audience ? titleOf(audience) : "Why does the shop recommend what it does?");
  put(
    main,
    audience ? null : h("div", { class: "welcome" }, title, h("p", {}, WELCOME)),
    chooser(values),
    audience
      ? h("div", { class: "columns" }, frame.past, h("div", {}, h("div", { class: "over" }, title, frame.words), frame.cards))
      : h("section", {}, h("h2", { class: "over" }, "What most shoppers choose now"), frame.cards),
  );
  put(frame.cards, loading("Recommendations"));
  if (within) title.focus(); // what had the focus is gone
}

const WELCOME =
  "Choose somebody. Their history stands beside what is recommended to them; each recommendation opens into the paths " +
  "that lead to it, and into a score that is the sum of its parts.";

function show({ user, whole, now }, audience) {
  const before = new Map(whole.edges.map(({ node, rank }) => [node.productId, rank]));
  const { without } = audience;
  const taken = without.length > 0;
  past(frame.entries, user, audience);
  put(frame.words, about(now, taken ? gone(whole, now) : null, without));
  if (!now.edges.length) {
    put(frame.cards, empty("Nothing to recommend", "The shop has no product that could be shown. Products are read by ", h("code", {}, "pathrec ingest"), "."));
    return;
  }
  const list = cards(now.edges, taken ? before : null);
  const next = async (after) => (await ask(MORE, { audience, after })).recommendations;
  rerank(frame.cards, [list, taken ? leavers(whole, now) : null, more(list, now.pageInfo, next, taken ? before : null)].filter(Boolean));
}

function about({ strategy, asOf, modelVersion, withoutText, edges }, left, without) {
  return [
    h("p", { class: "soft" }, `${STRATEGIES[strategy]} · as of ${time(asOf)} · model ${modelVersion}`),
    withoutText ? h("p", { class: "note" }, "The words could not be read, since the encoder is not ready yet: they do not count. Ask again in a moment.") : null,
    left === null
      ? null
      : h(
          "p",
          { class: "note" },
          `Without ${some(without.length, "product")} of the history: ${left ? `${left} of ${edges.length} are others than before` : "the same products as before"}. `,
          h("a", { href: changed({ without: null }), dataset: { key: "count-all" } }, "Count everything again"),
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
    h("h2", {}, `No longer among the first ${now.edges.length}`),
    h(
      "ul",
      {},
      left.map(({ node, rank }) =>
        h("li", {}, h("a", { href: changed({ why: node.productId }), dataset: { key: node.productId } }, picture(node, "small"), h("span", {}, node.title ?? node.productId), h("small", {}, `it was ${rank}`))),
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
      h("summary", { dataset: { key: "history" } }, h("h2", {}, "History"), h("small", {}, summary(entries, without))),
      entries.length
        ? [h("p", { class: "soft" }, "Switch a product off to see the list without it."), switches(entries, without)]
        : h("p", { class: "soft" }, unknown(user, audience)),
    ),
  );
}

function unknown(user, audience) {
  if (audience.userId && user === null) return `The shop knows nobody with the id ${audience.userId}.`;
  return audience.productIds.length ? "The model knows none of these products." : "Nothing is known of what they did.";
}
