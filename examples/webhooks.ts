/**
 * Webhooks: a server hears of jobs that have ended, by signed requests. This program is the server, the producer and the
 * worker.
 *
 * ```sh
 * deno run -A examples/webhooks.ts
 * ```
 */

import { Queue, webhook } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { pack } from "./callback_jobs.ts";

const secret = "whsec_" + btoa("what only the two of us know");

/** Whether a request is from whoever knows the secret; what https://www.standardwebhooks.com has libraries for. */
async function isOurs(headers: Headers, body: string): Promise<boolean> {
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"]
    .map((name) => headers.get(`webhook-${name}`) ?? "");
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > 300) return false;
  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.from(
      atob(secret.slice("whsec_".length)),
      (c) => c.charCodeAt(0),
    ),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  for (const signature of signatures!.split(" ")) {
    const [version, text = ""] = signature.split(",");
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const fits = version === "v1" &&
      await crypto.subtle.verify("HMAC", key, bytes, signed);
    if (fits) return true;
  }
  return false;
}

await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
  const body = await request.text();
  if (!await isOurs(request.headers, body)) {
    return new Response(null, { status: 401 });
  }
  const { job_id, status, exc_info = "" } = JSON.parse(body);
  console.log(`> ${job_id} has ${status} ${exc_info.split("\n")[0]}`.trimEnd());
  return new Response();
});

await using queue = new Queue("hooked-orders");
const webhooks = webhook(`http://127.0.0.1:${server.addr.port}/jobs`, {
  method: "POST",
  secret,
});
for (const [jobId, order] of [["order-7", 7], ["no-order", -1]] as const) {
  await queue.enqueueCall({ func: pack, args: [order], jobId, webhooks });
}

const log = makeLogger("INFO", "text");
await new Worker(queue.name, { burst: true, log }).work();
