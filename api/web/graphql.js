// Questions to the server, and what it says when it cannot answer.

import { t } from "./language.js";

const KEY = "pathrec-key";

/** Why there is no answer: `code`, `remedy` and the `field` that is wrong, as in the interface's errors. */
export class Problem extends Error {
  constructor(message, { code = "UNKNOWN", remedy = null, field = null } = {}) {
    super(message);
    this.code = code;
    this.remedy = remedy;
    this.field = field;
  }
}

/** The data of an answer; raises `Problem`. An `AbortError` of the signal goes through. */
export const ask = (query, variables = {}, signal = undefined) => answered(query, variables, signal, {});

/** The same with the role `expert`, which a server that asks for no keys gives to whoever wants it. */
export const askAsExpert = (query, variables, signal) => answered(query, variables, signal, { "x-pathrec-role": "expert" });

async function answered(query, variables, signal, role) {
  const response = await reached("graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...role, ...credentials() },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  const text = await response.text();
  const answer = response.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : {};
  const [error] = answer.errors ?? [];
  if (error) throw new Problem(error.message, error.extensions);
  if (!answer.data) throw new Problem(t("state.status", { status: `${response.status}` }));
  return answer.data;
}

/** What `/readyz` says; null if the server cannot be reached. */
export async function readiness() {
  try {
    return await (await reached("readyz")).json();
  } catch {
    return null;
  }
}

/** Keeps a key until the tab is closed. */
export function useKey(key) {
  sessionStorage.setItem(KEY, key.trim());
}

function credentials() {
  const key = sessionStorage.getItem(KEY);
  return key ? { authorization: `Bearer ${key}` } : {};
}

// Relative to the page, so that it works behind a path prefix.
async function reached(path, options) {
  try {
    return await fetch(new URL(path, document.baseURI), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(t("state.unreached"), { code: "UNREACHABLE", remedy: t("state.start") });
  }
}
