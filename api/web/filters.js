// The control above a list that narrows it down.

import { h, put } from "./dom.js";
import { FACETS, all, chosen, filterOf, further, groups, narrowed } from "./facets.js";
import { ask } from "./graphql.js";
import { t } from "./language.js";
import { problem } from "./states.js";

const CHOICES = `query($filter: ProductFilter) { search(query: "", filter: $filter, first: 1) {
  ${FACETS} edges { node { price { currencyCode } } }
} }`;

/** Draws the control for an address. What can be chosen is asked for once somebody looks, or something is chosen. */
export async function filters(box, values, signal) {
  const open = box.querySelector("details")?.open ?? false;
  try {
    const found = open || narrowed(values) ? (await ask(CHOICES, { filter: filterOf(values) }, signal)).search : null;
    draw(box, values, found, open, () => filters(box, values, signal));
  } catch (error) {
    if (error.name !== "AbortError") put(box, problem(error, () => filters(box, values, signal)));
  }
}

function draw(box, values, found, open, again) {
  const currencyCode = found?.edges[0]?.node.price?.currencyCode;
  const on = found ? chosen(found.facets, values, currencyCode) : [];
  const look = ({ target }) => {
    if (target.open && !found) again();
  };
  put(
    box,
    h(
      "details",
      { open, ontoggle: look },
      h("summary", { class: "button", dataset: { key: "filters" } }, t("filter.title"), on.length ? h("span", { class: "badge", "aria-label": t("filter.on", { count: on.length }) }, on.length) : null),
      found ? h("div", { class: "choices", role: "group", "aria-label": t("filter.choices") }, groups(found.facets, values, currencyCode), further(values)) : null,
    ),
    on.length
      ? h(
          "ul",
          { class: "chosen" },
          on.map(([name, href]) => h("li", {}, h("a", { class: "chip", href, "aria-label": t("filter.remove", { name }) }, name, h("span", { "aria-hidden": "true" }, "×")))),
          h("li", {}, all()),
        )
      : null,
  );
}
