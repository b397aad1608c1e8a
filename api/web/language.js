// Words in the language of whoever reads. A further language is one more file like en.js, named here.

const CATALOGUES = { en: () => import("./en.js"), zh: () => import("./zh.js") };
const NAMES = { en: "English", zh: "中文" };
const KEY = "pathrec-language";

/** The code of the language, which the server's sentences have as well. */
export const language = [localStorage.getItem(KEY), ...navigator.languages.map((one) => one.split("-")[0])].find((one) => one in CATALOGUES) ?? "en";
/** The language with the country of the reader, where they have said one, for dates and numbers. */
export const locale = navigator.languages.find((one) => one.split("-")[0] === language) ?? language;
/** The codes and names of the other languages. */
export const others = Object.entries(NAMES).filter(([code]) => code !== language);

const { default: messages } = await CATALOGUES[language]();
const NUMBER = new Intl.NumberFormat(locale);
const PLURALS = { cardinal: new Intl.PluralRules(language), ordinal: new Intl.PluralRules(language, { type: "ordinal" }) };

/** Remembers a language and shows the page in it. */
export function use(code) {
  localStorage.setItem(KEY, code);
  location.reload();
}

/** A message with values in the place of its `{name}`s. Of one that has several forms, the number `count` says which. */
export const t = (key, values) => pieces(key, values).join("");

/** The same as pieces, where values are elements. */
export function pieces(key, values = {}) {
  const found = messages[key];
  const text = typeof found === "string" ? found : (found[PLURALS[found.of].select(values.count)] ?? found.other);
  return text.split(/\{(\w+)\}/).map((piece, place) => (place % 2 ? shown(values[piece]) : piece));
}

/** A message that may not be there; what stands for it then. */
export const either = (key, other, values) => (key in messages ? t(key, values) : other);

const shown = (value) => (typeof value === "number" ? NUMBER.format(value) : value);
