import type { Explanation, Place, Product } from "./shop";
import type { Movement } from "./movement";

/** A product at its place in the list, with the reason that weighs most; a click is a look at it. */
export function Card({ place, moved, onLook }: { place: Place; moved: Movement | undefined; onLook: () => void }) {
  const { node, explanation, rank } = place;
  return (
    <li class="card" style={{ viewTransitionName: `p-${CSS.escape(node.productId)}` }}>
      <button type="button" onClick={onLook}>
        <Picture product={node} />
        <span class="title">{nameOf(node)}</span>
        <span class="meta">
          <Price product={node} />
          {node.brand?.name && <span>{node.brand.name}</span>}
        </span>
        <span class="reason">{reasonOf(explanation)}</span>
      </button>
      <span class="rank">
        <span class="unseen">Place </span>
        {rank}
        {moved && <Badge moved={moved} />}
      </span>
    </li>
  );
}

/** A product that is looked at, and all that its score is made of. */
export function Detail({ place }: { place: Place }) {
  const { node, explanation, score } = place;
  return (
    <article class="detail">
      <Picture product={node} />
      <div>
        <h2 tabIndex={-1}>{nameOf(node)}</h2>
        <p class="meta">
          <Price product={node} />
          {node.brand?.name && <span>{node.brand.name}</span>}
        </p>
        {node.description && <p>{node.description}</p>}
        <h3>Why you saw it</h3>
        <Parts explanation={explanation} score={score} />
      </div>
    </article>
  );
}

function Parts({ explanation, score }: { explanation: Explanation; score: number }) {
  const { prior, contributions, remainder } = explanation;
  const parts = [
    { text: "What most people like", value: prior },
    ...contributions,
    ...(remainder.count > 0 ? [{ text: `${remainder.count} smaller reasons`, value: remainder.value }] : []),
  ];
  const largest = Math.max(...parts.map(({ value }) => Math.abs(value)), Number.MIN_VALUE);
  return (
    <table class="parts">
      <caption class="unseen">The parts of the score, which add up to it</caption>
      <tbody>
        {parts.map(({ text, value }) => (
          <tr>
            <th scope="row">{text}</th>
            <td class={value < 0 ? "bar against" : "bar"}>
              <span style={{ inlineSize: `${(100 * Math.abs(value)) / largest}%` }} />
            </td>
            <td class="number">{value.toFixed(2)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Score</th>
          <td />
          <td class="number">{score.toFixed(2)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function Badge({ moved }: { moved: Movement }) {
  if (moved.kind === "same") return null;
  if (moved.kind === "new") return <span class="badge">new</span>;
  return (
    <span class="badge">
      <span aria-hidden="true">{moved.kind === "up" ? "▲" : "▼"}</span>
      <span class="unseen">{moved.kind} </span>
      {moved.places}
    </span>
  );
}

function Picture({ product }: { product: Product }) {
  // The name stands beside it, so that the picture needs no words of its own.
  if (product.image) return <img src={product.image.url} alt="" width="320" height="320" loading="lazy" />;
  return <span class="no-picture">{nameOf(product).slice(0, 1)}</span>;
}

function Price({ product: { price } }: { product: Product }) {
  if (!price) return null;
  const { amount, currencyCode } = price;
  const money = currencyCode ? { style: "currency", currency: currencyCode } as const : { minimumFractionDigits: 2 };
  return <span class="price">{new Intl.NumberFormat(undefined, money).format(amount)}</span>;
}

function reasonOf(explanation: Explanation): string {
  const [first] = explanation.contributions;
  return first && first.value > 0 ? first.text : "Many people like this.";
}

export function nameOf(product: Product): string {
  return product.title ?? product.productId;
}
