// Pictures of products, with a letter in place of one that is not there.

import { h } from "./dom.js";

/** A product's picture. It says nothing that the title beside it does not. */
export function picture(product, size = "") {
  const box = h("span", { class: `picture ${size}`, "aria-hidden": "true" });
  const url = own(product?.image?.url);
  const letter = h("span", { class: "letter" }, (product?.title ?? product?.productId ?? "?").trim().charAt(0).toUpperCase());
  if (!url) return box.append(letter), box;
  box.append(h("img", { src: url, alt: "", loading: "lazy", decoding: "async", onerror: () => box.replaceChildren(letter) }));
  return box;
}

/** The address of a picture on this server; null for one elsewhere, since the page asks nobody else for anything. */
function own(url) {
  if (!url) return null;
  const full = new URL(url.startsWith("/") ? `.${url}` : url, document.baseURI);
  return full.origin === location.origin ? full.href : null;
}
