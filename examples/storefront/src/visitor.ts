import type { Visitor } from "./shop";

const SESSION = "session";

/** The visit that this tab is in; a new one begins with a new tab, or where `anew` is set. */
export function visitor(userId: string | null, anew = false): Visitor {
  const known = anew ? null : sessionStorage.getItem(SESSION);
  const sessionId = known ?? crypto.randomUUID();
  sessionStorage.setItem(SESSION, sessionId);
  return { sessionId, userId };
}
