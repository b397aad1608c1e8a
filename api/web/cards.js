// Ranked products as cards.

import { changed } from "./address.js";
import { byKey, h, put } from "./dom.js";
import { language, t } from "./language.js";
import { picture } from "./picture.js";
import { problem } from "./states.js";
import { plain, price } from "./words.js";

/** How many cards come at a time. */
export const PAGE = 24;

/** What a card shows of an edge. */
export const CARD = `
  cursor rank score placement
  node { productId title price { amount currencyCode } image { url } }
  explanation { score prior readableShare contributions(first: 3) { kind value text(locale: "${language}") } }`;

/** A list of cards. `before` is the rank that each product had, where that is to be shown. */
export function cards(edges, before = null) {
  const list = h("ol", { class: "cards", onkeydown: byArrows });
  list.append(...edges.map((edge) => card(edge, before)));
  return list;
}

/** A button below a list for the next page, which `next(cursor)` asks for; null where there is none. */
export function more(list, { hasNextPage, endCursor }, next, before = null) {
  if (!hasNextPage) return null;
  let after = endCursor;
  const box = h("div", { class: "more" });
  const show = async () => {
    put(box, h("p", { class: "soft", role: "status" }, t("list.moreComes")));
    try {
      const { edges, pageInfo } = await next(after);
      const last = list.lastElementChild;
      list.append(...cards(edges, before).children);
      last.nextElementSibling?.querySelector("a").focus();
      after = pageInfo.endCursor;
      put(box, pageInfo.hasNextPage ? button : null);
    } catch (error) {
      put(box, problem(error, show));
    }
  };
  const button = h("button", { type: "button", class: "button", onclick: show }, t("list.more", { count: PAGE }));
  box.append(button);
  return box;
}

/** Puts other cards in the place of those of a container; each glides to where it now is. */
export function rerank(container, list) {
  const places = new Map([...container.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.getBoundingClientRect()]));
  put(container, list);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [key, place] of places) {
    const now = byKey(container, key);
    if (!now) continue;
    const { left, top } = now.getBoundingClientRect();
    if (place.left !== left || place.top !== top)
      now.animate([{ transform: `translate(${place.left - left}px, ${place.top - top}px)` }, { transform: "none" }], {
        duration: 350,
        easing: "cubic-bezier(.2, .7, .2, 1)",
      });
  }
}

function card(edge, before) {
  const { node, rank, score, placement, explanation } = edge;
  const title = node.title ?? node.productId;
  return h(
    "li",
    {},
    h(
      "a",
      { class: "card", href: changed({ why: node.productId }), dataset: { key: node.productId } },
      h("span", { class: "shown" }, picture(node), h("span", { class: "rank" }, h("span", { class: "unseen" }, t("card.rank")), rank), placed(placement)),
      h("span", { class: "title" }, title),
      h(
        "span",
        { class: "figures" },
        h("span", {}, price(node.price)),
        moved(rank, before?.get(node.productId), before),
        h("span", { class: "score", title: t("card.score") }, h("span", { class: "unseen" }, `${t("card.score")} `), plain(score, 2)),
      ),
      h("span", { class: "reason" }, reason(explanation)),
      mixture(explanation),
    ),
  );
}

/** What put a product where it is, unless it is its score. */
function placed(placement) {
  return placement === "SCORE" ? null : h("span", { class: "placed" }, t(`card.${placement}`));
}

/** The strongest reason for it; that it fits a search is one that all have. */
function reason({ contributions }) {
  const found = contributions.filter(({ value }) => value > 0);
  return (found.find(({ kind }) => kind !== "RELEVANCE") ?? found[0])?.text ?? t("card.popular");
}

/** How a product moved against the list with everything. */
function moved(rank, was, before) {
  if (!before) return null;
  if (was === undefined) return h("span", { class: "moved up" }, t("card.new"));
  if (was === rank) return null;
  const up = was > rank;
  return h(
    "span",
    { class: `moved ${up ? "up" : "down"}` },
    h("span", { "aria-hidden": "true" }, `${up ? "▲" : "▼"} ${Math.abs(was - rank)}`),
    h("span", { class: "unseen" }, t("card.before", { rank: was })),
  );
}

/** What a score is made of, as a thin bar: the prior, and how much of the reasons has a path. */
function mixture({ score, prior, readableShare }) {
  const reasons = Math.abs(score - prior);
  const all = Math.abs(prior) + reasons || 1;
  const parts = { prior: Math.abs(prior), paths: reasons * readableShare, others: reasons * (1 - readableShare) };
  return h(
    "span",
    { class: "mixture", "aria-hidden": "true" },
    Object.entries(parts).map(([name, value]) => h("i", { class: name, style: { width: `${(100 * value) / all}%` } })),
  );
}

/** Arrow keys go from card to card, up and down by what is seen above and below. */
function byArrows(event) {
  const all = [...event.currentTarget.querySelectorAll("a.card")];
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  const { top } = all[0].getBoundingClientRect();
  const columns = Math.max(all.findIndex((one) => one.getBoundingClientRect().top > top + 1), 0) || all.length;
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  all[to].focus();
}
