/** One request: errors with the API's code, and waits where the server says when to come back. */

import type { components } from "./schema.js";

export type ErrorCode = components["schemas"]["Error"]["error"]["code"];

/** The server refused: `code`, `message`, `status`, `requestId`. */
export class MogplexError extends Error {
  constructor(
    readonly code: ErrorCode | "UNKNOWN",
    message: string,
    readonly status: number,
    readonly requestId: string | null,
  ) {
    super(message);
    this.name = "MogplexError";
  }

  static of(body: unknown, response: Response): MogplexError {
    const said = (body as { error?: { code?: ErrorCode; message?: string } } | undefined)?.error;
    const message = said?.message ?? `${response.url} answered ${response.status}`;
    return new MogplexError(said?.code ?? "UNKNOWN", message, response.status, response.headers.get("x-request-id"));
  }
}

/** `fetch` that waits as `Retry-After` says: after 429, and after 503 where asking again is safe. */
export function retrying(retrySeconds: number): (request: Request) => Promise<Response> {
  return async (request) => {
    let left = retrySeconds;
    for (;;) {
      const response = await fetch(request.clone());
      const asked = Number(response.headers.get("retry-after") ?? NaN);
      const safe = request.method === "GET" || request.headers.has("idempotency-key");
      const again = response.status === 429 || (response.status === 503 && safe);
      const pause = Math.max(asked, 0.25) * (1 + Math.random() / 10); // those refused together come back apart
      if (!again || !(pause <= left)) return response;
      left -= pause;
      await sleep(pause);
    }
  };
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
