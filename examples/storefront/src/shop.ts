/** What the page asks a shop; the types of questions and answers are made from the shop's schema. */

import { Client, fetchExchange, type AnyVariables, type OperationResult } from "@urql/core";

import { graphql } from "./gql";
import type { RecommendQuery } from "./gql/graphql";

const RECOMMEND = graphql(`
  query Recommend($userId: String, $sessionId: String!, $first: Int!) {
    recommendations(audience: { userId: $userId, sessionId: $sessionId }, first: $first) {
      strategy
      edges {
        rank
        score
        node {
          id
          productId
          title
          description
          price {
            amount
            currencyCode
          }
          image {
            url
          }
          brand {
            name
          }
        }
        explanation {
          prior
          contributions(first: 3) {
            kind
            value
            share
            text
          }
          remainder {
            count
            value
          }
        }
      }
    }
  }
`);

const RECORD = graphql(`
  mutation Record($events: [EventInput!]!) {
    recordEvents(events: $events) {
      accepted
      duplicates
      rejected {
        code
        message
      }
      userErrors {
        message
      }
    }
  }
`);

/** A list for one visitor, the best first. */
export type List = RecommendQuery["recommendations"];
/** A product at its place in a list. */
export type Place = List["edges"][number];
export type Product = Place["node"];
export type Explanation = Place["explanation"];

/** Who looks at the page: a visit, and a customer of the shop where one is known. */
export interface Visitor {
  sessionId: string;
  userId: string | null;
}

export class ShopError extends Error {}

export class Shop {
  readonly #client: Client;

  /** `url` is the address of the GraphQL endpoint. */
  constructor(url: string) {
    // Every list is asked anew: it changes with each event.
    this.#client = new Client({
      url,
      exchanges: [fetchExchange],
      requestPolicy: "network-only",
      preferGetMethod: false,
    });
  }

  async recommend(visitor: Visitor, first = 12): Promise<List> {
    const answer = await this.#client.query(RECOMMEND, { ...visitor, first }).toPromise();
    return dataOf(answer).recommendations;
  }

  /** Tells the shop that a visitor looked at a product; it counts in the next list. */
  async recordView(visitor: Visitor, productId: string): Promise<void> {
    // With an id of its own the event counts once, however often it is sent.
    const event = { ...visitor, productId, eventId: crypto.randomUUID(), behaviour: "view" };
    const { recordEvents } = dataOf(await this.#client.mutation(RECORD, { events: [event] }).toPromise());
    const problem = recordEvents.userErrors[0] ?? recordEvents.rejected[0];
    if (problem) throw new ShopError(problem.message);
  }
}

function dataOf<Data>(answer: OperationResult<Data, AnyVariables>): Data {
  if (answer.error) throw new ShopError(answer.error.message);
  if (!answer.data) throw new ShopError("the shop gave no answer");
  return answer.data;
}
