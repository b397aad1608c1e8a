/** How a product's place changed from one list to the next. */
export type Movement = { kind: "new" } | { kind: "up" | "down"; places: number } | { kind: "same" };

/** The movement of each product of a list, by its key. */
export function movements(before: readonly string[], after: readonly string[]): Map<string, Movement> {
  const stood = new Map(before.map((key, place) => [key, place]));
  return new Map(after.map((key, place) => [key, movement(stood.get(key), place)]));
}

function movement(before: number | undefined, after: number): Movement {
  if (before === undefined) return { kind: "new" };
  if (before === after) return { kind: "same" };
  return { kind: after < before ? "up" : "down", places: Math.abs(after - before) };
}

/** A sentence for those who hear the page. */
export function summary(moved: Map<string, Movement>): string {
  const kinds = [...moved.values()].map(({ kind }) => kind);
  const count = (kind: Movement["kind"]) => kinds.filter((found) => found === kind).length;
  const changed = kinds.length - count("same");
  if (changed === 0) return "The list is as it was.";
  return `The list has changed: ${count("new")} new, ${count("up")} further up, ${count("down")} further down.`;
}
