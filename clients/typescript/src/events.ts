/** A run's events, live: server-sent events over fetch, resumed behind the last one. */

import type { Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";
import { MogplexError, sleep } from "./transport.js";

type RunEvent = components["schemas"]["Event"];

const LENIENT_SECONDS = 120; // how long a server may be away, once it has answered
const PAUSE_SECONDS = 1;

/** Each event once and in order, until `finished`. The first contact has to work. */
export async function* readEvents(
  api: Client<paths>,
  runId: string,
  after: number,
): AsyncGenerator<RunEvent, void, undefined> {
  let seq = after;
  let lastHeard: number | undefined;
  for (;;) {
    try {
      const header = seq > 0 ? { "Last-Event-ID": seq } : {};
      const params = { path: { runId }, header };
      const answer = await api.GET("/api/v1/mogplex/runs/{runId}/stream", { params, parseAs: "stream" });
      if (answer.response.status === 204) return; // over, and nothing after this number
      if (answer.data === undefined || answer.data === null) throw MogplexError.of(answer.error, answer.response);
      lastHeard = Date.now();
      for await (const event of parseEvents(answer.data as ReadableStream<Uint8Array>)) {
        lastHeard = Date.now();
        if (event.seq <= seq) continue;
        seq = event.seq;
        yield event;
        if (event.type === "finished") return;
      }
    } catch (fault) {
      const refused = fault instanceof MogplexError && fault.status < 500;
      const away = lastHeard === undefined || Date.now() - lastHeard > LENIENT_SECONDS * 1000;
      if (refused || away) throw fault;
    }
    await sleep(PAUSE_SECONDS);
  }
}

async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<RunEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = frames.pop() ?? "";
      for (const frame of frames) {
        const lines = frame.split("\n").filter((line) => line.startsWith("data:"));
        const data = lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
        if (data !== "") yield JSON.parse(data) as RunEvent;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may be over already
  }
}
