// What somebody did, product by product, and which of it counts.

import { changed, go } from "./address.js";
import { h } from "./dom.js";
import { t } from "./language.js";
import { picture } from "./picture.js";
import { day, did, products } from "./words.js";

/** The units of a history, one entry for each product, the latest first. */
export function byProduct(units) {
  const entries = new Map();
  for (const unit of units) {
    const entry = entries.get(unit.product.productId) ?? { product: unit.product, did: [], lastAt: unit.lastAt };
    entry.did.push(unit.events > 1 ? t("history.times", { did: did(unit.behaviour), count: unit.events }) : did(unit.behaviour));
    entries.set(unit.product.productId, entry);
  }
  return [...entries.values()];
}

/** A switch for each product, which takes it out of the history or back in; `facts(entry)` says more beside it. */
export function switches(entries, without, facts = (entry) => t("history.fact", { did: entry.did.join(t("paths.separator")), day: day(entry.lastAt) })) {
  return h(
    "ul",
    { class: "history" },
    entries.map((entry) => {
      const id = entry.product.productId;
      const title = entry.product.title ?? id;
      const counts = !without.includes(id);
      return h(
        "li",
        { class: counts ? "" : "off" },
        h(
          "label",
          {},
          picture(entry.product, "small"),
          h("span", { class: "words" }, h("b", {}, title), h("small", {}, facts(entry))),
          h("input", {
            type: "checkbox",
            role: "switch",
            checked: counts,
            dataset: { key: `counts-${id}` },
            "aria-label": t("history.count", { title }),
            onchange: () => go(changed({ without: counts ? [...without, id] : without.filter((one) => one !== id) }), { instead: true }),
          }),
        ),
      );
    }),
  );
}

/** How many products there are, and how many do not count. */
export const summary = (entries, without) =>
  without.length ? t("history.out", { products: products(entries.length), count: without.length }) : products(entries.length);
