// What narrows a list down: categories, brands, prices, and what there is.

import { changed } from "./address.js";
import { h } from "./dom.js";
import { t } from "./language.js";
import { count, price } from "./words.js";

/** What an address may hold of it. */
const NAMES = ["category", "brand", "min", "max", "stock", "bought"];
/** An address that holds nothing of it. */
const NOTHING = Object.fromEntries(NAMES.map((name) => [name, null]));

/** What is asked of a search, so that there is something to choose from. */
export const FACETS = `facets {
  categories { count category { categoryId name } }
  brands { count brand { brandId name } }
  prices { min max count }
}`;

/** The filter that an address asks for. */
export function filterOf(values) {
  const [low, high] = ["min", "max"].map((name) => (values.has(name) ? Number(values.get(name)) : null));
  return {
    categoryIds: values.getAll("category"),
    ...(values.has("brand") ? { brandIds: values.getAll("brand") } : {}),
    price: low === null && high === null ? null : { min: low, max: high },
    available: !values.has("stock"),
    includeBought: values.has("bought"),
  };
}

/** Whether an address narrows its list down. */
export const narrowed = (values) => NAMES.some((name) => values.has(name));

/** A link to the whole list again. */
export const all = () => h("a", { href: changed(NOTHING), dataset: { key: "all" } }, t("filter.all"));

/** Categories, brands and prices to choose from, with how many products have each. */
export function groups({ categories, brands, prices }, values, currencyCode) {
  return [
    facet("filter.category", categories.map(({ category, count: size }) => choice("category", category.categoryId, category.name, size, values))),
    facet("filter.brand", brands.map(({ brand, count: size }) => choice("brand", brand.brandId, brand.name, size, values))),
    facet("filter.price", prices.map((range) => priced(range, values, currencyCode))),
  ];
}

/** What may be shown that is not shown else. */
export function further(values) {
  const either = (name, words) => entry(t(words), null, values.has(name), { [name]: values.has(name) ? null : "yes" }, name);
  return h("div", {}, facet("filter.stock", [either("stock", "filter.unavailable")]), facet("filter.bought", [either("bought", "filter.boughtToo")]));
}

/** What is chosen, each with its name and the address without it. */
export function chosen({ categories, brands }, values, currencyCode) {
  const without = (name, key) => changed({ [name]: values.getAll(name).filter((one) => one !== key) });
  const category = (key) => categories.find(({ category: { categoryId } }) => categoryId === key)?.category.name ?? key;
  const brand = (key) => brands.find(({ brand: { brandId } }) => brandId === key)?.brand.name ?? key;
  const ends = [values.get("min"), values.get("max")].map((end) => end && Number(end));
  return [
    ...values.getAll("category").map((key) => [category(key), without("category", key)]),
    ...values.getAll("brand").map((key) => [brand(key), without("brand", key)]),
    ...(values.has("min") || values.has("max") ? [[range(...ends, currencyCode), changed({ min: null, max: null })]] : []),
    ...(values.has("stock") ? [[t("filter.unavailable"), changed({ stock: null })]] : []),
    ...(values.has("bought") ? [[t("filter.bought"), changed({ bought: null })]] : []),
  ];
}

const facet = (title, choices) => (choices.length ? h("section", { class: "facet" }, h("h3", {}, t(title)), h("ul", {}, choices)) : null);

/** A value that can be chosen beside others of its kind. */
function choice(name, key, title, size, values) {
  const there = values.getAll(name);
  const now = there.includes(key) ? there.filter((one) => one !== key) : [...there, key];
  return entry(title ?? key, size, there.includes(key), { [name]: now }, `${name}-${key}`);
}

function priced({ min, max, count: size }, values, currencyCode) {
  const there = values.get("min") === String(min) && values.get("max") === String(max);
  return entry(range(min, max, currencyCode), size, there, { min: there ? null : min, max: there ? null : max }, `price-${min}`);
}

function range(min, max, currencyCode) {
  const [low, high] = [min, max].map((amount) => (amount === null ? null : price({ amount, currencyCode })));
  if (low === null || high === null) return low === null ? t("filter.upTo", { max: high }) : t("filter.from", { min: low });
  return low === high ? low : t("filter.range", { min: low, max: high });
}

const entry = (title, size, there, changes, key) =>
  h("li", {}, h("a", { href: changed({ ...changes, why: null }), "aria-current": there ? "true" : null, dataset: { key } }, h("span", {}, title), size === null ? null : h("small", {}, count(size))));
