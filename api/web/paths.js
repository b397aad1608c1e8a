// The paths from a history to a product, drawn as a graph of three columns.

import { h, svg } from "./dom.js";
import { either, t } from "./language.js";
import { picture } from "./picture.js";
import { did, kind, sentence, signed, spaced } from "./words.js";

const DRAWN = 8;
const WIDEST = 16;
const COLOURED = ["Product", "Category", "Brand", "Feature", "User", "Basket", "Session"];
const GROUPS = ["User", "Basket", "Session"];

/** The graph of contributions that have a path, for a width in pixels; null if there are none. */
export function graph(contributions, product, width) {
  const withPath = contributions.filter((part) => part.path);
  if (!withPath.length) return null;
  const drawn = arranged(withPath.slice(0, DRAWN));
  const shape = shaped(drawn, width);
  const label = t("paths.label", { count: withPath.length, title: product.title ?? product.productId });
  return h(
    "figure",
    { class: "graph" },
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${shape.height}`, width, height: shape.height, role: "img", "aria-label": label },
      shape.edges.map(edge),
      drawn.starts.map((node) => box(node, shape.places.get(node))),
      drawn.middles.map((node) => box(node, shape.places.get(node))),
      target(product, shape.target),
      shape.edges.filter((one) => one.value !== null && !narrow(width)).map(amount),
    ),
    h("figcaption", {}, legend([...drawn.starts, ...drawn.middles]), h("p", { class: "soft" }, caption(withPath.length))),
  );
}

const caption = (paths) =>
  t("paths.wide") + (paths > DRAWN ? t("paths.thin", { count: paths - DRAWN }) : "");

/** Nodes and lines: where each path starts, and what is in its middle; a direct path has its relation there. */
function arranged(contributions) {
  const starts = new Map();
  const middles = new Map();
  const lines = [];
  for (const part of contributions) {
    const start = once(starts, startKey(part), () => startOf(part));
    const middle = once(middles, middleKey(part), () => middleOf(part));
    if (part.because) start.did.add(did(part.because.behaviour));
    for (const node of [start, middle]) node.size += Math.abs(part.value);
    lines.push({ start, middle, value: part.value });
  }
  const ordered = [...starts.values()].sort((a, b) => b.size - a.size);
  // A middle stands by the starts that lead to it, so that few lines cross.
  const height = (middle) => {
    const own = lines.filter((line) => line.middle === middle);
    return own.reduce((sum, line) => sum + ordered.indexOf(line.start), 0) / own.length;
  };
  return { starts: ordered, middles: [...middles.values()].sort((a, b) => height(a) - height(b) || b.size - a.size), lines };
}

function once(map, key, make) {
  if (!map.has(key)) map.set(key, { size: 0, ...make() });
  return map.get(key);
}

const startKey = ({ because, interest, words }) => because?.product.productId ?? interest?.nodeId ?? words;

function startOf({ because, interest, words }) {
  if (because) return { type: "Product", did: new Set(), name: because.product.title ?? because.product.productId };
  if (interest) return { type: interest.type, over: t("paths.liked"), name: interest.name };
  return { type: "Words", over: t("paths.lookedFor"), name: words };
}

/** What stands between the two ends, null for a direct path. */
const between = ({ path: { nodes } }) => (nodes.length > 2 ? nodes[1] : null);

/** Named nodes are the same one for every start; a group of shoppers is another one for each. */
const middleKey = (part) => `${part.relation} ${between(part)?.keys.length ? between(part).keys.join(" ") : startKey(part)}`;

function middleOf(part) {
  const node = between(part);
  const over = sentence(kind(part));
  if (!node) return { type: null, over: "", name: over };
  if (GROUPS.includes(node.type)) return { type: node.type, over, name: group(node) };
  const names = node.names.join(t("paths.separator"));
  const more = (node.count ?? node.names.length) - node.names.length;
  return { type: node.type, over, name: more > 0 ? t("paths.names", { names, count: more }) : names };
}

const group = ({ type, count }) => (count === null ? t(`few.${type}`) : t(`group.${type}`, { count }));

/** Whether there is little room: smaller boxes, and numbers in the table only. */
const narrow = (width) => width < 560;

/** Where everything goes. */
function shaped({ starts, middles, lines }, width) {
  const small = narrow(width);
  const [tall, gap] = small ? [92, 10] : [76, 10];
  const widths = small ? [0.37, 0.31, 0.18] : [0.33, 0.26, 0.2];
  const space = (width * (1 - widths[0] - widths[1] - widths[2])) / 2;
  const [first, second, third] = widths.map((part) => part * width);
  const side = { width: third, height: small ? third : third + 60 };
  const height = Math.max(starts.length, middles.length) * (tall + gap) - gap;
  const total = Math.max(height, side.height);
  const places = new Map();
  const column = (nodes, x, wide) => {
    const top = (total - (nodes.length * (tall + gap) - gap)) / 2;
    nodes.forEach((node, row) => places.set(node, { x, y: top + row * (tall + gap), width: wide, height: tall }));
  };
  column(starts, 0, first);
  column(middles, first + space, second);
  const end = { x: width - third, y: (total - side.height) / 2, ...side };
  const scale = WIDEST / Math.max(...middles.map((node) => node.size));
  return { height: total, places, target: end, edges: edges(lines, starts, middles, places, end, scale) };
}

/** Lines from starts to middles and from middles to the product, side by side where they meet. */
function edges(lines, starts, middles, places, end, scale) {
  const wide = (value) => Math.max(Math.abs(value) * scale, 1.5);
  const found = [];
  for (const middle of middles) {
    const own = lines.filter((line) => line.middle === middle);
    const place = places.get(middle);
    for (const line of own) {
      const from = places.get(line.start);
      const beside = lines.filter((other) => other.start === line.start).sort((a, b) => places.get(a.middle).y - places.get(b.middle).y);
      found.push({
        from: [from.x + from.width, from.y + from.height / 2 + offset(beside, line, wide)],
        to: [place.x, place.y + place.height / 2 + offset(own, line, wide)],
        wide: wide(line.value),
        type: middle.type,
        against: line.value < 0,
        value: null,
      });
    }
  }
  const sums = middles.map((middle) => ({ middle, value: lines.filter((line) => line.middle === middle).reduce((sum, line) => sum + line.value, 0) }));
  for (const one of sums) {
    const place = places.get(one.middle);
    found.push({
      from: [place.x + place.width, place.y + place.height / 2],
      to: [end.x, end.y + end.height / 2 + offset(sums, one, wide)],
      wide: wide(one.value),
      type: one.middle.type,
      against: one.value < 0,
      value: one.value,
    });
  }
  return found;
}

/** How far from the middle of a side a line is, among those that meet there. */
function offset(beside, one, wide) {
  const widths = beside.map(({ value }) => wide(value));
  const before = widths.slice(0, beside.indexOf(one)).reduce((sum, each) => sum + each, 0);
  return before + wide(one.value) / 2 - widths.reduce((sum, each) => sum + each, 0) / 2;
}

function edge({ from: [x1, y1], to: [x2, y2], wide, type, against }) {
  const bend = (x2 - x1) / 2;
  return svg("path", {
    class: `edge ${colour(type)} ${against ? "against" : ""}`,
    d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
    "stroke-width": wide.toFixed(1),
  });
}

function amount({ from: [x1, y1], to: [x2, y2], value }) {
  return svg("text", { class: "amount", x: (x1 + x2) / 2, y: (y1 + y2) / 2 + 4, "text-anchor": "middle" }, signed(value, 2));
}

function box({ type, over, did: deeds, name }, { x, y, width, height }) {
  over ??= sentence([...deeds].join(t("paths.separator")));
  const words = h("div", { class: `node ${type ? colour(type) : "relation"}`, title: name }, over ? h("small", {}, over) : null, h("b", {}, name));
  return svg("foreignObject", { x, y, width, height }, words);
}

function target(product, { x, y, width, height }) {
  const words = h("div", { class: "node target" }, picture(product), h("b", {}, product.title ?? product.productId));
  return svg("foreignObject", { x, y, width, height }, words);
}

function legend(nodes) {
  const types = [...new Set(nodes.map((node) => node.type).filter(Boolean))];
  const found = new Map(types.map((type) => [either(`type.${type}`, sentence(spaced(type))), colour(type)]));
  return h(
    "ul",
    { class: "legend" },
    [...found].map(([name, tint]) => h("li", {}, h("i", { class: `swatch ${tint}` }), name)),
    h("li", {}, h("i", { class: "swatch target" }), t("paths.target")),
  );
}

const colour = (type) => (COLOURED.includes(type) ? type : "other");
