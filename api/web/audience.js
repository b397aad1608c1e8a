// For whom: somebody the shop knows, products, or words.

import { go, link } from "./address.js";
import { h, put } from "./dom.js";
import { ask } from "./graphql.js";
import { t } from "./language.js";

const USERS = "query($start: String!, $first: Int) { users(startsWith: $start, first: $first) { userId events } }";
const LIKED = "{ recommendations(audience: {}, first: 3, preview: true) { edges { node { productId title } } } }";

const KINDS = ["user", "product", "text"];

/** Somebody of whom nothing is known. */
export const ANYBODY = { userId: null, productIds: [], text: null };

/** The audience that an address names; null if it names none. */
export function audienceOf(values) {
  const [user, products, text] = [values.get("user"), values.getAll("product"), values.get("text")];
  if (user === null && !products.length && text === null && !values.has("anybody")) return null;
  return { userId: user, productIds: products, text };
}

/** What an audience is called. */
export function titleOf(audience) {
  if (audience.userId) return audience.userId;
  if (audience.productIds.length) return audience.productIds.join(", ");
  return audience.text ? t("for.quoted", { words: audience.text }) : t("for.anybody");
}

/** The form that chooses. Examples stand below it while nobody is chosen. */
export function chooser(values) {
  const audience = audienceOf(values);
  const chosen = audience?.productIds.length ? "product" : audience?.text ? "text" : "user";
  const words = h("label", { for: "whom", class: "unseen" });
  const input = h("input", { id: "whom", name: "whom", list: "ids", autocomplete: "off", spellcheck: "false", required: true });
  const ids = h("datalist", { id: "ids" });
  const examples = h("p", { class: "examples" });
  const kinds = KINDS.map((kind) =>
    h(
      "label",
      {},
      h("input", { type: "radio", name: "kind", value: kind, checked: kind === chosen, onchange: () => use(kind, "") }),
      h("span", {}, t(`for.${kind}`)),
    ),
  );
  const submit = (event) => {
    event.preventDefault();
    const kind = new FormData(form).get("kind");
    const given = input.value.trim();
    if (given) go(link("", { [kind]: kind === "product" ? given.split(/[\s,;]+/).filter(Boolean) : given }));
  };
  const form = h(
    "form",
    { class: "chooser", role: "search", "aria-label": t("for.choose"), onsubmit: submit },
    h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, t("for.whom")), kinds),
    h("div", { class: "line grows" }, words, input, ids, h("button", { class: "button strong" }, t("for.show"))),
    examples,
  );

  async function use(kind, value) {
    words.textContent = input.placeholder = t(`for.${kind}.words`);
    input.value = value;
    ids.replaceChildren();
    if (!audience) put(examples, await EXAMPLES[kind]().catch(() => []));
  }

  input.addEventListener("input", async () => {
    if (new FormData(form).get("kind") !== "user" || !input.value) return;
    const asked = input.value;
    const found = await ask(USERS, { start: asked, first: 10 }).catch(() => ({ users: [] }));
    if (input.value === asked) ids.replaceChildren(...found.users.map((user) => h("option", { value: user.userId })));
  });
  use(chosen, audience ? { user: audience.userId ?? "", product: audience.productIds.join(" "), text: audience.text }[chosen] : "");
  return form;
}

const EXAMPLES = {
  async user() {
    const { users } = await ask(USERS, { start: "", first: 100 });
    const busy = users.filter((user) => user.events).sort((a, b) => b.events - a.events);
    // Some who did much, some who did little, and nobody known.
    const shown = [...new Set([0, 0.1, 0.3, 0.6, 0.95].map((part) => busy[Math.floor(part * busy.length)]))].filter(Boolean);
    return [
      h("span", {}, t("for.example")),
      shown.map((user) => h("a", { class: "chip", href: link("", { user: user.userId }) }, user.userId, h("small", {}, t("counted.event", { count: user.events })))),
      h("a", { class: "chip", href: link("", { anybody: "yes" }) }, t("for.unknown")),
    ];
  },
  async product() {
    const { edges } = (await ask(LIKED)).recommendations;
    return [
      h("span", {}, t("for.example")),
      edges.map(({ node }) => h("a", { class: "chip", href: link("", { product: node.productId }) }, node.title ?? node.productId)),
    ];
  },
  async text() {
    return [];
  },
};
