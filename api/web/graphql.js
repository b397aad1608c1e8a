// Questions to the server, and what it says when it cannot answer.

import { t } from "./language.js";

const KEY = "pathrec-key";

/** Why there is no answer: `code` and `remedy` as in the interface's errors. */
export class Problem extends Error {
  constructor(message, { code = "UNKNOWN", remedy = null } = {}) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** The data of an answer; raises `Problem`. An `AbortError` of the signal goes through. */
export async function ask(query, variables = {}, signal = undefined) {
  const response = await reached("graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...credentials() },
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
