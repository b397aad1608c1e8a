import { useEffect, useRef, useState } from "preact/hooks";

import { movements, summary, type Movement } from "./movement";
import { Card, Detail, nameOf } from "./product";
import type { List, Place, Shop, Visitor } from "./shop";
import { visitor } from "./visitor";

/** What is on the page: a list, what moved in it, and the product that is looked at. */
interface Shown {
  list: List | null;
  moved: Map<string, Movement>;
  looking: Place | null;
  seen: string[];
  words: string;
}

const NOTHING: Shown = { list: null, moved: new Map(), looking: null, seen: [], words: "" };

export function Page({ shop }: { shop: Shop }) {
  const [who, setWho] = useState(() => visitor(null));
  const [shown, setShown] = useState(NOTHING);
  const detail = useRef<HTMLElement>(null);

  const say = (error: unknown) => setShown((now) => ({ ...now, words: `That did not work: ${wordsOf(error)}` }));

  useEffect(() => {
    let current = true;
    shop.recommend(who).then((list) => current && setShown({ ...NOTHING, list }), say);
    return () => {
      current = false;
    };
  }, [who]);

  useEffect(() => detail.current?.querySelector("h2")?.focus(), [shown.looking]);

  async function look(place: Place) {
    try {
      await shop.recordView(who, place.node.productId);
      const list = await shop.recommend(who);
      const moved = movements(keysOf(shown.list), keysOf(list));
      const seen = [...new Set([nameOf(place.node), ...shown.seen])];
      inTransition(() => setShown({ list, moved, seen, looking: place, words: summary(moved) }));
    } catch (error) {
      say(error);
    }
  }

  return (
    <>
      <header>
        <h1>Storefront</h1>
        <Who who={who} onChange={setWho} />
      </header>
      <main>
        <p role="status">{shown.words}</p>
        <section ref={detail} aria-label="The product you look at">
          {shown.looking && <Detail place={shown.looking} />}
        </section>
        <section aria-labelledby="list">
          <h2 id="list">{headingOf(shown.list)}</h2>
          <ol class="cards">
            {shown.list?.edges.map((place) => (
              <Card
                key={place.node.id}
                place={place}
                moved={shown.moved.get(place.node.productId)}
                onLook={() => look(place)}
              />
            ))}
          </ol>
        </section>
        {shown.seen.length > 0 && (
          <section aria-labelledby="seen">
            <h2 id="seen">You looked at</h2>
            <ul>
              {shown.seen.map((name) => (
                <li key={name}>{name}</li>
              ))}
            </ul>
          </section>
        )}
      </main>
    </>
  );
}

/** Lets the page be seen as another customer, or as somebody who has just come in. */
function Who({ who, onChange }: { who: Visitor; onChange: (who: Visitor) => void }) {
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement).get("user");
    onChange(visitor(String(given ?? "").trim() || null, true));
  }
  return (
    <form onSubmit={submit}>
      <label>
        Customer <input name="user" defaultValue={who.userId ?? ""} placeholder="nobody known" autocomplete="off" />
      </label>
      <button type="submit">Begin a new visit</button>
    </form>
  );
}

function headingOf(list: List | null): string {
  if (!list) return "One moment …";
  return list.strategy === "POPULAR" ? "What people like" : "For you";
}

function keysOf(list: List | null): string[] {
  return list?.edges.map(({ node }) => node.productId) ?? [];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Lets cards glide to their new places where the browser can and its owner wants it. */
function inTransition(change: () => void): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (still || !document.startViewTransition) return change();
  document.startViewTransition(async () => {
    change();
    await Promise.resolve(); // Preact renders right after this task
  });
}
