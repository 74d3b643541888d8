import { assertEquals, assertThrows } from "@std/assert";
import {
  checkWebhooks,
  readWebhook,
  shownUrl,
  type StoredWebhook,
  type Webhook,
  webhook,
  webhookFields,
} from "../../lib/job/webhook.ts";

const URL_ = "https://example.com/jobs?key=1";

const PLAIN: Omit<StoredWebhook, "job_status"> = {
  url: URL_,
  method: "GET",
  headers: null,
  timeout: 10,
};

Deno.test("a webhook is stored once for each status, with RQ's defaults", () => {
  assertEquals(checkWebhooks(webhook(URL_)), [
    { ...PLAIN, job_status: "finished" },
    { ...PLAIN, job_status: "failed" },
  ]);
  const options = {
    status: ["canceled", "canceled"],
    method: "POST",
    headers: { "x-a": "b" },
    timeout: "1m",
    secret: "s",
  } as const;
  assertEquals(checkWebhooks([webhook(new URL(URL_), options)]), [
    {
      ...PLAIN,
      job_status: "canceled",
      method: "POST",
      headers: { "x-a": "b" },
      timeout: 60,
      secret: "s",
    },
  ]);
  const asJson = JSON.parse(JSON.stringify(webhook(URL_, options)));
  assertEquals(checkWebhooks(asJson), checkWebhooks(webhook(URL_, options)));
});

Deno.test("RQ's field has what RQ can send, and no secret; a field of ours has all, if that is more", () => {
  const plain = checkWebhooks(webhook(URL_));
  assertEquals(webhookFields([]), []);
  assertEquals(webhookFields(plain), [["webhooks", JSON.stringify(plain)]]);
  const signed = checkWebhooks(webhook(URL_, { secret: "s" }));
  assertEquals(webhookFields(signed), [
    ["webhooks", JSON.stringify(plain)],
    ["x_webhooks", JSON.stringify(signed)],
  ]);
  const stopped = checkWebhooks(webhook(URL_, { status: "stopped" }));
  assertEquals(webhookFields(stopped), [
    ["x_webhooks", JSON.stringify(stopped)],
  ]);
});

Deno.test("what is stored is read again, with RQ's defaults for what is missing", () => {
  const secret = `whsec_${btoa("key")}`;
  const [stored] = checkWebhooks(
    webhook(URL_, { status: "stopped", headers: { a: "b" }, secret }),
  );
  assertEquals(readWebhook(JSON.stringify(stored)), stored!);
  const least = { url: URL_, job_status: "failed", headers: null };
  assertEquals(readWebhook(JSON.stringify(least)), {
    ...PLAIN,
    job_status: "failed",
  });
  for (const text of ["", "5", "{}", `{"url":"file:///etc/passwd"}`]) {
    assertThrows(() => readWebhook(text));
  }
});

Deno.test.each<[string | URL, Omit<Webhook, "url">, string]>([
  ["example.com", {}, 'http: or https:, got "example.com"'],
  ["", {}, 'got ""'],
  ["file:///etc/passwd", {}, "got file:"],
  [new URL("ftp://a.b"), {}, "got ftp:"],
  [5 as never, {}, "expected a URL"],
  ["https://me:pw@a.b", {}, "a URL with a password cannot be fetched"],
  [URL_, { headers: { "a b": "c" } }, "their headers"],
  [URL_, { headers: { a: 5 } as never }, 'expected text as header "a"'],
  [URL_, { secret: "" }, "expected some text as the secret"],
  [URL_, { secret: "whsec_" }, "expected base64 behind whsec_"],
  [URL_, { secret: "whsec_%" }, "expected base64 behind whsec_"],
  [URL_, { secrets: "a" } as never, 'there is no option "secrets"'],
])("webhook(%s, %j) is a TypeError that says: %s", (url, options, text) => {
  assertThrows(() => webhook(url, options), TypeError, text);
});

Deno.test.each<[Omit<Webhook, "url">, string]>([
  [{ method: "PUT" as never }, 'method to be "GET", "POST", got "PUT"'],
  [{ status: "queued" as never }, '"canceled", got "queued"'],
  [{ status: [] }, 'got "none"'],
  [{ timeout: 0 }, "timeout of webhooks"],
  [{ timeout: 0.5 }, "timeout of webhooks"],
  [{ timeout: "soon" }, "timeout of webhooks"],
])("webhook(…, %j) is a RangeError that says: %s", (options, text) => {
  assertThrows(() => webhook(URL_, options), RangeError, text);
});

Deno.test("a job has twenty webhooks at most, each status counted", () => {
  const many = Array.from({ length: 10 }, () => webhook(URL_));
  assertEquals(checkWebhooks(many).length, 20);
  const more = [...many, webhook(URL_, { status: "failed" })];
  assertThrows(() => checkWebhooks(more), RangeError, "there are 21");
});

Deno.test("only the origin of a URL is shown", () => {
  assertEquals(shownUrl(URL_), "https://example.com");
  assertEquals(shownUrl("nothing"), "no URL");
});
