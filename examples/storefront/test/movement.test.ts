import assert from "node:assert/strict";
import test from "node:test";

import { movements, summary } from "../src/movement";

test("a product is new, further up, further down or where it was", () => {
  assert.deepEqual(
    [...movements(["a", "b", "c", "d"], ["a", "d", "e", "b"])],
    [
      ["a", { kind: "same" }],
      ["d", { kind: "up", places: 2 }],
      ["e", { kind: "new" }],
      ["b", { kind: "down", places: 2 }],
    ],
  );
});

test("the change of a list is one sentence", () => {
  assert.equal(
    summary(movements(["a", "b", "c"], ["b", "a", "d"])),
    "The list has changed: 1 new, 1 further up, 1 further down.",
  );
  assert.equal(summary(movements(["a"], ["a"])), "The list is as it was.");
});
