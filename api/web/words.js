// Numbers, moments and names as people read them.

const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const COUNT = new Intl.NumberFormat();
const DID = { view: "viewed", cart: "in the cart", purchase: "bought", rating: "rated" };
const KINDS = {
  TEXT: "similar words",
  IMAGE: "similar picture",
  FEATURE: "similar features",
  RELATIONS: "of the same kind",
  LATENT: "learned from behaviour",
  CROWD: "what everybody chooses",
  BOOST: "a rule of the shop",
  RELEVANCE: "fits the search",
};
// By which product: the one in the history, or a third one that both are linked to.
const ENDINGS = { _REVERSE: ", the other way", _SHARED: " the same", _COMMON: ", the same for both" };
const TERMS = {
  SAME_PRODUCT: "the same product",
  CO_BUYER: "bought by the same shoppers",
  SAME_BASKET: "in one basket",
  CO_VISITOR: "looked at by the same shoppers",
  SAME_SESSION: "on one visit",
  NEXT_PRODUCT: "chosen right after",
  IN_CATEGORY: "in one category",
  MADE_BY: "of one brand",
  HAS_FEATURE: "with one feature",
  BOUGHT_TOGETHER: "bought together with",
  COMPLEMENTS: "goes with",
  SUBSTITUTES: "in place of",
  LATENT: "learned from behaviour",
  LOW_PASS: "what everybody chooses",
};

export const count = (number) => COUNT.format(number);
export const day = (moment) => DATE.format(new Date(moment));
export const time = (moment) => `${TIME.format(new Date(moment))} UTC`;
export const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);

/** An amount of money, in its currency where it has one. */
export function price(money) {
  if (!money) return "";
  const style = money.currencyCode ? { style: "currency", currency: money.currencyCode } : { minimumFractionDigits: 2 };
  return new Intl.NumberFormat(undefined, style).format(money.amount);
}

/** A number with its sign. The minus is the real one, which is as wide as the plus. */
export function signed(number, digits = 3) {
  return (number < 0 ? "−" : "+") + Math.abs(number).toFixed(digits);
}

/** A number; the minus is the real one. */
export const plain = (number, digits = 3) => number.toFixed(digits).replace("-", "−");

/** “1 product”, “2 products”. */
export const some = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** 1st, 2nd, 3rd, 4th, 11th. */
export function ordinal(number) {
  const ending = { one: "st", two: "nd", few: "rd", other: "th" }[new Intl.PluralRules("en", { type: "ordinal" }).select(number)];
  return `${count(number)}${ending}`;
}

/** What somebody did, in a word. */
export const did = (behaviour) => (behaviour === null ? "given" : (DID[behaviour] ?? behaviour));

/** What a contribution rests on, in a few words. */
export const kind = (part) => (part.kind === "PATH" ? term(part.relation) : (KINDS[part.kind] ?? spaced(part.kind)));

/** A kind of path in a few words; those of a shop's own ontology by their name. */
export function term(name) {
  const [, base, ending] = name.match(/^(.+?)(_REVERSE|_SHARED|_COMMON)?$/);
  return (TERMS[base] ?? spaced(base)) + (ENDINGS[ending] ?? "");
}

/** SOME_NAME or some_name as words. */
export const spaced = (name) => name.replaceAll("_", " ").toLowerCase();

/** The first letter large. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
