/** Asks a real shop, whose address is in SHOP_URL, what the page asks. */

import assert from "node:assert/strict";
import test from "node:test";

import { movements } from "../src/movement";
import { Shop, ShopError, type List, type Visitor } from "../src/shop";

const url = process.env.SHOP_URL;
assert.ok(url, "SHOP_URL must name a running shop, such as http://127.0.0.1:8000");
const shop = new Shop(`${url}/graphql`);

function somebody(): Visitor {
  return { sessionId: crypto.randomUUID(), userId: null };
}

function keys(list: List): string[] {
  return list.edges.map(({ node }) => node.productId);
}

test("somebody unknown gets what most like, in order", async () => {
  const list = await shop.recommend(somebody(), 5);
  assert.equal(list.strategy, "POPULAR");
  assert.deepEqual(
    list.edges.map(({ rank }) => rank),
    [1, 2, 3, 4, 5],
  );
  const scores = list.edges.map(({ score }) => score);
  assert.deepEqual(
    scores,
    scores.toSorted((a, b) => b - a),
  );
});

test("a look at a product changes the next list and is its reason", async () => {
  const visitor = somebody();
  const before = await shop.recommend(visitor);
  const looked = before.edges[0]?.node.productId ?? "";
  await shop.recordView(visitor, looked);
  const after = await shop.recommend(visitor);
  assert.equal(after.strategy, "COLD_START");
  const moved = [...movements(keys(before), keys(after)).values()];
  assert.ok(moved.some(({ kind }) => kind !== "same"));
  assert.ok(after.edges.some(({ explanation }) => explanation.contributions.length > 0));
});

test("the parts of a score add up to it", async () => {
  const visitor = somebody();
  const [first] = (await shop.recommend(visitor, 1)).edges;
  await shop.recordView(visitor, first?.node.productId ?? "");
  for (const { score, explanation } of (await shop.recommend(visitor)).edges) {
    const { prior, contributions, remainder } = explanation;
    const sum = contributions.reduce((total, { value }) => total + value, prior + remainder.value);
    assert.ok(Math.abs(sum - score) < 1e-6, `${sum} is not ${score}`);
  }
});

test("a product has what a page shows of it", async () => {
  const [first] = (await shop.recommend(somebody(), 1)).edges;
  assert.ok(first?.node.title);
  assert.ok(first.node.price && first.node.price.amount > 0);
  assert.ok(first.node.image?.url);
});

test("a look at what is not there is refused in words", async () => {
  await assert.rejects(shop.recordView(somebody(), "no such product"), ShopError);
});
