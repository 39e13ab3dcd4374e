/** Mogplex runs from TypeScript. Types come from the API's OpenAPI document: see schema.ts. */

import createClient, { type Client } from "openapi-fetch";
import { readEvents } from "./events.js";
import type { components, paths } from "./schema.js";
import { MogplexError, retrying } from "./transport.js";

export type RunData = components["schemas"]["Run"];
export type RunEvent = components["schemas"]["Event"];
export type RunRequest = components["schemas"]["RunRequest"];
export type RetryRequest = components["schemas"]["RetryRequest"];
export { MogplexError } from "./transport.js";

export interface Options {
  /** Where the server is [http://127.0.0.1:7433]. */
  url?: string;
  apiKey: string;
  /** How long in all a call waits where the server said when to come back; 0 never. [60] */
  retrySeconds?: number;
}

const ENDED: readonly string[] = ["success", "failed", "cancelled"];

/** One server, one key. `api` has every route of it, typed: `client.api.GET("/api/v1/mogplex/repos")`. */
export class Mogplex {
  readonly api: Client<paths>;

  constructor(options: Options) {
    const url = (options.url ?? "http://127.0.0.1:7433").replace(/\/+$/, "");
    const headers = { Authorization: `Bearer ${options.apiKey}` };
    this.api = createClient<paths>({ baseUrl: url, headers, fetch: retrying(options.retrySeconds ?? 60) });
  }

  /** Start a run; with an `idempotencyKey` never twice. */
  async run(request: RunRequest, idempotencyKey: string = crypto.randomUUID()): Promise<Run> {
    const header = { "Idempotency-Key": idempotencyKey };
    const answer = await this.api.POST("/api/v1/mogplex/runs", { body: request, params: { header } });
    return new Run(this, unwrap(answer).data);
  }

  async getRun(runId: string): Promise<Run> {
    const answer = await this.api.GET("/api/v1/mogplex/runs/{runId}", { params: { path: { runId } } });
    return new Run(this, unwrap(answer).data.run);
  }
}

/** A run, and what can be done with it; `data` is what was told last. */
export class Run {
  constructor(
    private readonly client: Mogplex,
    public data: RunData,
  ) {}

  get id(): string {
    return this.data.runId;
  }

  get status(): RunData["status"] {
    return this.data.status;
  }

  get isEnded(): boolean {
    return ENDED.includes(this.status);
  }

  async refresh(waitSeconds?: number): Promise<this> {
    const query = waitSeconds === undefined ? {} : { wait: waitSeconds };
    const params = { path: { runId: this.id }, query };
    this.data = unwrap(await this.client.api.GET("/api/v1/mogplex/runs/{runId}", { params })).data.run;
    return this;
  }

  /** This run, once it is terminal. The signal ends the waiting, not the run. */
  async wait(signal?: AbortSignal): Promise<this> {
    while (!this.isEnded) {
      signal?.throwIfAborted();
      await this.refresh(20);
    }
    return this;
  }

  /** Every event after `after` once and in order, live, until `finished`; resumes after a cut. */
  async *events(after = 0): AsyncGenerator<RunEvent, void, undefined> {
    yield* readEvents(this.client.api, this.id, after);
    await this.refresh();
  }

  /** Ask for its end. Safe to repeat; what is done so far is kept. */
  async cancel(): Promise<this> {
    const params = { path: { runId: this.id } };
    this.data = unwrap(await this.client.api.POST("/api/v1/mogplex/runs/{runId}/cancel", { params })).data.run;
    return this;
  }

  /** A new run of the same work; from failed and cancelled runs only. */
  async retry(request: RetryRequest = {}, idempotencyKey: string = crypto.randomUUID()): Promise<Run> {
    const params = { path: { runId: this.id }, header: { "Idempotency-Key": idempotencyKey } };
    const answer = await this.client.api.POST("/api/v1/mogplex/runs/{runId}/retry", { body: request, params });
    return new Run(this.client, unwrap(answer).data);
  }

  /** What it has changed, for `git apply` on its base commit. */
  async patch(): Promise<string> {
    const params = { path: { runId: this.id } };
    const answer = await this.client.api.GET("/api/v1/mogplex/runs/{runId}/patch", { params, parseAs: "text" });
    return unwrap(answer);
  }
}

function unwrap<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw MogplexError.of(answer.error, answer.response);
  return answer.data;
}
