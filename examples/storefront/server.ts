/** Serves the built page, and forwards what it asks to the shop: both have one origin, and a key stays on this side. */

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

const SHOP = process.env.SHOP_URL ?? "http://127.0.0.1:8000";
const KEY = process.env.SHOP_KEY;
const PORT = Number(process.env.PORT ?? 5173);
const FILES: Record<string, { file: string; kind: string }> = {
  "/": { file: "index.html", kind: "text/html; charset=utf-8" },
  "/main.js": { file: "main.js", kind: "text/javascript; charset=utf-8" },
  "/style.css": { file: "style.css", kind: "text/css; charset=utf-8" },
};

async function forward(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = request.method === "POST" ? await buffer(request) : null;
  const kind = request.headers["content-type"] ?? "application/json";
  const headers = { "content-type": kind, ...(KEY && { authorization: `Bearer ${KEY}` }) };
  const answer = await fetch(SHOP + path, { method: request.method ?? "GET", headers, body });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: path } = new URL(request.url ?? "/", "http://localhost");
  const page = FILES[path];
  if (page) {
    response.writeHead(200, { "content-type": page.kind });
    response.end(await readFile(new URL(`dist/${page.file}`, import.meta.url)));
  } else if (path === "/graphql" || path.startsWith("/images/")) {
    await forward(path, request, response);
  } else {
    response.writeHead(404).end();
  }
}

createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
}).listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT} shows the shop at ${SHOP}`));
