/**
 * Sends webhooks. It runs in a subprocess with the permissions of jobs, since whoever writes to Redis says where to.
 *
 * @module
 */

import { shownUrl, type StoredWebhook } from "../job/webhook.ts";
import { DoNotRetry } from "./retry_errors.ts";

/** What is sent. */
export interface WebhookRequest extends Omit<StoredWebhook, "job_status"> {
  /** The same each time that it is sent. */
  readonly id: string;
  /** The body of a `POST`, as JSON. */
  readonly body: string;
}

/** The status by which a server says that nobody wants this any more. */
const GONE = 410;

/**
 * Sends a webhook once; returns the status of the answer.
 *
 * A redirect is not followed, as Standard Webhooks have it: it is no success.
 *
 * @throws {Error | DoNotRetry} If it was not delivered. It names the origin alone: a path or a query may be secret.
 */
export async function sendWebhook(request: WebhookRequest): Promise<number> {
  const { url, method, timeout } = request;
  const body = method === "POST" ? request.body : "";
  const what = `${method} ${shownUrl(url)}`;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: await headersOf(request, body),
      body: method === "POST" ? body : null,
      redirect: "manual",
      signal: AbortSignal.timeout(timeout * 1_000),
    });
    await response.body?.cancel();
  } catch (error) {
    throw unsent(error, what, request);
  }
  const { ok, status, statusText } = response;
  if (ok) return status;
  const error = new Error(
    `${what} was answered with ${status} ${statusText}`.trimEnd(),
  );
  throw status === GONE ? new DoNotRetry(error) : error;
}

async function headersOf(
  { id, method, headers, secret }: WebhookRequest,
  body: string,
): Promise<Headers> {
  const all = new Headers(headers ?? {});
  if (method === "POST" && !all.has("content-type")) {
    all.set("content-type", "application/json");
  }
  const timestamp = `${Math.floor(Date.now() / 1_000)}`;
  all.set("webhook-id", id);
  all.set("webhook-timestamp", timestamp);
  if (secret !== undefined) {
    const signature = await sign(secret, `${id}.${timestamp}.${body}`);
    all.set("webhook-signature", signature);
  }
  return all;
}

/** A signature of Standard Webhooks: HMAC with SHA-256, in base64. */
async function sign(secret: string, content: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const usages: KeyUsage[] = ["sign"];
  const { subtle } = crypto;
  const raw = keyOf(secret);
  const key = await subtle.importKey("raw", raw, algorithm, false, usages);
  const bytes = new TextEncoder().encode(content);
  const signature = new Uint8Array(await subtle.sign("HMAC", key, bytes));
  return `v1,${btoa(String.fromCharCode(...signature))}`;
}

const PREFIX = "whsec_";

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  return secret.startsWith(PREFIX)
    ? Uint8Array.from(
      atob(secret.slice(PREFIX.length)),
      (c) => c.charCodeAt(0),
    )
    : new TextEncoder().encode(secret);
}

function unsent(
  error: unknown,
  what: string,
  { url, timeout }: WebhookRequest,
): unknown {
  if (error instanceof Deno.errors.NotCapable) return new DoNotRetry(error);
  if (!(error instanceof Error)) return error;
  if (error.name === "TimeoutError") {
    return new Error(`${what} was not answered in ${timeout} seconds`);
  }
  const why = error.message.replaceAll(url, shownUrl(url));
  return new Error(`${what} was not sent: ${why}`);
}
