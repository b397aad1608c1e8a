// Numbers, moments and names as people read them.

import { either, locale, t } from "./language.js";

const DATE = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const TIME = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const COUNT = new Intl.NumberFormat(locale);

export const count = (number) => COUNT.format(number);
export const day = (moment) => DATE.format(new Date(moment));
export const time = (moment) => t("time.utc", { time: TIME.format(new Date(moment)) });
export const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);

/** An amount of money, in its currency where it has one. */
export function price(money) {
  if (!money) return "";
  const style = money.currencyCode ? { style: "currency", currency: money.currencyCode } : { minimumFractionDigits: 2 };
  return new Intl.NumberFormat(locale, style).format(money.amount);
}

/** A number with its sign. The minus is the real one, which is as wide as the plus. */
export function signed(number, digits = 3) {
  return (number < 0 ? "−" : "+") + Math.abs(number).toFixed(digits);
}

/** A number; the minus is the real one. */
export const plain = (number, digits = 3) => number.toFixed(digits).replace("-", "−");

/** “1 product”, “2 products”. */
export const products = (number) => t("counted.product", { count: number });

/** 1st, 2nd, 3rd, 4th, 11th. */
export const ordinal = (number) => t("counted.ordinal", { count: number });

/** What somebody did, in a word. */
export const did = (behaviour) => either(`did.${behaviour ?? "given"}`, behaviour);

/** What a contribution rests on, in a few words. */
export const kind = (part) => (part.kind === "PATH" ? term(part.relation) : either(`kind.${part.kind}`, spaced(part.kind)));

// By which product: the one in the history, or a third one that both are linked to, is in the ending.
/** A kind of path in a few words; those of a shop's own ontology by their name. */
export function term(name) {
  const [, base, ending] = name.match(/^(.+?)(_REVERSE|_SHARED|_COMMON)?$/);
  const words = either(`term.${base}`, spaced(base));
  return ending ? t(`ending.${ending}`, { term: words }) : words;
}

/** SOME_NAME or some_name as words. */
export const spaced = (name) => name.replaceAll("_", " ").toLowerCase();

/** The first letter large. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
