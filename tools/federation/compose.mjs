// Reads [{name, sdl}, …] from standard input, composes a supergraph of them, and says what came of it.
import { readFileSync } from "node:fs";
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";

const subgraphs = JSON.parse(readFileSync(0, "utf8"));
const result = composeServices(subgraphs.map(({ name, sdl }) => ({ name, typeDefs: parse(sdl) })));
const errors = (result.errors ?? []).map((error) => error.message);
console.log(JSON.stringify({ errors, supergraph: result.supergraphSdl ?? null }));
