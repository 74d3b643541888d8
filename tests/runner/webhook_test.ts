/** Sending a webhook once, to a real server. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  sendWebhook,
  type WebhookRequest,
} from "../../lib/runner/child_webhook.ts";
import { DoNotRetry } from "../../lib/runner/retry_errors.ts";
import { Hooks } from "../support/hooks.ts";

function request(
  url: string,
  options: Partial<WebhookRequest> = {},
): WebhookRequest {
  const body = `{"job_id":"é"}`;
  const rest = { method: "POST", headers: null, timeout: 10 } as const;
  return { id: "a-webhook-1-e", url, body, ...rest, ...options };
}

Deno.test("a POST has the body as JSON, the given headers, and says when it was sent and as what", async () => {
  await using hooks = new Hooks(() => new Response("thanks"));
  const headers = { "x-a": "b", "webhook-id": "another" };
  const before = Math.floor(Date.now() / 1_000);
  const url = `${hooks.url}/jobs`;
  assertEquals(await sendWebhook(request(url, { headers })), 200);
  const [got] = hooks.got;
  assertEquals([got!.method, got!.path], ["POST", "/jobs"]);
  assertEquals(got!.body, `{"job_id":"é"}`);
  assertEquals(got!.headers.get("content-type"), "application/json");
  assertEquals(got!.headers.get("x-a"), "b");
  assertEquals(got!.headers.get("webhook-id"), "a-webhook-1-e");
  assertEquals(got!.headers.get("webhook-signature"), null);
  const timestamp = Number(got!.headers.get("webhook-timestamp"));
  assert(timestamp >= before && timestamp <= before + 60, `${timestamp}`);
});

Deno.test("a GET has no body, and headers replace ours", async () => {
  await using hooks = new Hooks(() => new Response(null, { status: 204 }));
  const get = request(hooks.url, { method: "GET" });
  assertEquals(await sendWebhook(get), 204);
  const headers = { "content-type": "text/json" };
  await sendWebhook(request(hooks.url, { headers }));
  const seen = hooks.got.map((
    { method, body, headers },
  ) => [method, body, headers.get("content-type")]);
  assertEquals(seen, [
    ["GET", "", null],
    ["POST", `{"job_id":"é"}`, "text/json"],
  ]);
});

Deno.test.each<[string, Uint8Array]>([
  ["plain text", new TextEncoder().encode("plain text")],
  ["whsec_AAEC/w==", Uint8Array.of(0, 1, 2, 255)],
])(
  "with the secret %s, a request is signed as Standard Webhooks are",
  async (secret, key) => {
    await using hooks = new Hooks(() => new Response());
    for (const method of ["POST", "GET"] as const) {
      await sendWebhook(request(hooks.url, { secret, method }));
    }
    for (const { headers, body } of hooks.got) {
      const [id, timestamp] = ["webhook-id", "webhook-timestamp"]
        .map((name) => headers.get(name));
      const content = Buffer.from(`${id}.${timestamp}.${body}`);
      const hmac = createHmac("sha256", key).update(content).digest("base64");
      assertEquals(headers.get("webhook-signature"), `v1,${hmac}`);
    }
    assertEquals(hooks.got.length, 2);
  },
);

Deno.test.each([500, 503, 404, 301, 302, 307])(
  "an answer of %i is an error that names no more than the origin, and is tried again",
  async (status) => {
    const headers = { location: "/elsewhere" };
    await using hooks = new Hooks(() =>
      new Response("no", { status, headers })
    );
    const error = await assertRejects(
      () => sendWebhook(request(`${hooks.url}/secret?key=1`)),
      Error,
      `POST ${hooks.url} was answered with ${status}`,
    );
    assert(!(error instanceof DoNotRetry));
    assert(!error.message.includes("secret"), error.message);
    assertEquals(hooks.got.length, 1, "a redirect is not followed");
  },
);

Deno.test("an answer of 410 is final", async () => {
  await using hooks = new Hooks(() => new Response(null, { status: 410 }));
  await assertRejects(() => sendWebhook(request(hooks.url)), DoNotRetry);
});

Deno.test("an answer that takes too long is an error that says so", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using hooks = new Hooks(() => promise);
  await assertRejects(
    () => sendWebhook(request(hooks.url, { timeout: 1 })),
    Error,
    `POST ${hooks.url} was not answered in 1 seconds`,
  );
  resolve(new Response());
});

Deno.test("a server that is not there is an error without path and query", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const origin = `http://127.0.0.1:${port}`;
  const error = await assertRejects(
    () => sendWebhook(request(`${origin}/secret?key=1`)),
    Error,
    `POST ${origin} was not sent: `,
  );
  assert(!error.message.includes("secret"), error.message);
});
