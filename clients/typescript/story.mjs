// A run from its start to its retry, on the server that MOGPLEX_URL names; whoever calls this plays the worker.
import { Mogplex, MogplexError } from "./dist/index.js";

const client = new Mogplex({ url: process.env.MOGPLEX_URL, apiKey: process.env.MOGPLEX_API_KEY });
const request = { repoId: "acme/widgets", prompt: "Mend it", createBranch: true };
const run = await client.run(request, "once");
const again = await client.run(request, "once");
const events = [];
for await (const event of run.events()) events.push(event.type);
await again.wait();
const patch = await run.patch();
const retried = await run.retry({ timeoutSeconds: 60 });
const refused = await client.getRun("run_nothing").catch((fault) => fault);
const cancelled = await (await client.run({ repoId: "acme/widgets", prompt: "Leave it" })).cancel();
const repos = await client.api.GET("/api/v1/mogplex/repos");
console.log(
  JSON.stringify({
    same: run.id === again.id,
    events,
    status: [run.status, again.status, run.data.outcome],
    patch,
    retryOf: retried.data.retryOf === run.id,
    refused: refused instanceof MogplexError && refused.code,
    ended: cancelled.isEnded,
    repos: repos.data.data.repos.map((repo) => repo.full_name),
  }),
);
