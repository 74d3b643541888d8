/** HTTP requests that are sent when a job ends: the option, and how it is stored. @module */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";
import type { JobField } from "./fields.ts";

/** The status of a job after which a webhook is sent. RQ knows the first two. */
export type WebhookStatus = "finished" | "failed" | "stopped" | "canceled";

/** Options of {@linkcode webhook}. */
export interface WebhookOptions {
  /**
   * After which ends of the job it is sent; `"failed"` only once the job is not tried again.
   *
   * @default ["finished", "failed"]
   */
  readonly status?: WebhookStatus | readonly WebhookStatus[];
  /**
   * The method, as in RQ. Only a `POST` has a body: JSON that says which job it was and how it ended.
   *
   * @default "GET"
   */
  readonly method?: "GET" | "POST";
  /** Further headers. @default {} */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How long an answer may take, in whole seconds or as text.
   *
   * @default 10
   */
  readonly timeout?: Duration;
  /**
   * Signs the request as [Standard Webhooks](https://www.standardwebhooks.com) do: `whsec_` and base64, or any text,
   * whose bytes are the key then. It is stored with the job in Redis, as it is.
   *
   * @default not signed
   */
  readonly secret?: string;
}

/** An HTTP request that is sent when a job ends. */
export interface Webhook extends WebhookOptions {
  /** Where it is sent: `http:` or `https:`. */
  readonly url: string | URL;
}

/** A webhook as it is stored, in RQ's words, for one status. The secret is ours. */
export interface StoredWebhook {
  readonly url: string;
  readonly job_status: WebhookStatus;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>> | null;
  readonly timeout: number;
  readonly secret?: string;
}

/** The most webhooks of one job, each status counted. */
export const MOST_WEBHOOKS = 20;

const OPTIONS = optionNames<Required<Webhook>>({
  url: true,
  status: true,
  method: true,
  headers: true,
  timeout: true,
  secret: true,
});

const STATUSES: readonly WebhookStatus[] = [
  "finished",
  "failed",
  "stopped",
  "canceled",
];
const METHODS = ["GET", "POST"];
const TIMEOUT = 10;

/**
 * For the option `webhooks`: an HTTP request that is sent when the job has ended, in a job of its own, and again later
 * until it is answered with success.
 *
 * @throws {RangeError | TypeError} If it cannot be sent like that.
 *
 * @example
 * ```ts ignore
 * await queue.enqueueCall({
 *   func: "jobs.mail.send",
 *   webhooks: webhook("https://example.com/jobs", { method: "POST", secret }),
 * });
 * ```
 */
export function webhook(
  url: string | URL,
  options: WebhookOptions = {},
): Webhook {
  const made = { ...options, url: url instanceof URL ? url.href : url };
  checkWebhook(made);
  return made;
}

/**
 * Checks the option `webhooks`.
 *
 * @throws {RangeError | TypeError} It says what a webhook could be.
 */
export function checkWebhooks(
  value: Webhook | readonly Webhook[],
): StoredWebhook[] {
  const list: readonly Webhook[] = isList(value) ? value : [value];
  const checked = list.flatMap(checkWebhook);
  if (checked.length <= MOST_WEBHOOKS) return checked;
  throw new RangeError(
    `Cannot use webhooks: there are ${checked.length}, the most are ${MOST_WEBHOOKS}`,
  );
}

/**
 * What is stored of webhooks: in RQ's field those that RQ can send, without the secrets, which it does not know and
 * would not keep; and all of them in a field of ours, if that is not all there is to say.
 */
export function webhookFields(
  webhooks: readonly StoredWebhook[],
): readonly (readonly [JobField, string])[] {
  const fields: [JobField, string][] = [];
  const rqs = webhooks
    .filter(({ job_status }) => STATUSES.indexOf(job_status) < 2)
    .map(({ secret: _, ...rest }) => rest);
  if (rqs.length > 0) fields.push(["webhooks", JSON.stringify(rqs)]);
  const isAll = rqs.length === webhooks.length &&
    webhooks.every(({ secret }) => secret === undefined);
  if (!isAll) fields.push(["x_webhooks", JSON.stringify(webhooks)]);
  return fields;
}

/**
 * Reads a stored webhook; what RQ has a default for may be missing.
 *
 * @throws {RangeError | TypeError} If it cannot be sent like that.
 */
export function readWebhook(text: string): StoredWebhook {
  const stored = JSON.parse(text) as StoredWebhook;
  const { url, job_status, method, headers, timeout, secret } = stored;
  return checkWebhook({
    url,
    status: job_status,
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined || headers === null ? {} : { headers }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(secret === undefined ? {} : { secret }),
  })[0]!;
}

/** What can be shown of a URL: its path and query may be secret. */
export function shownUrl(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "no URL";
}

/** One for each of its statuses. */
function checkWebhook(value: Webhook): StoredWebhook[] {
  const unknown = unknownOption(value, OPTIONS, "Cannot use webhooks");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use webhooks: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { status = ["finished", "failed"], method = "GET", secret } = value;
  if (!METHODS.includes(method)) throw expected("method", METHODS, method);
  const statuses: readonly WebhookStatus[] = isList(status) ? status : [status];
  for (const one of statuses) {
    if (!STATUSES.includes(one)) throw expected("status", STATUSES, one);
  }
  if (statuses.length === 0) throw expected("status", STATUSES, "none");
  const rest = {
    method,
    headers: checkHeaders(value.headers),
    timeout: parseDuration(value.timeout ?? TIMEOUT, "timeout of webhooks"),
    ...(secret === undefined ? {} : { secret: checkSecret(secret) }),
  };
  const url = checkUrl(value.url);
  return [...new Set(statuses)].map((job_status) => ({
    url,
    job_status,
    ...rest,
  }));
}

function checkUrl(value: string | URL): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot use webhooks: expected a URL with http: or https:, got ${
        typeof value === "string" && url === null
          ? JSON.stringify(value)
          : url?.protocol ?? typeof value
      }`,
    );
  }
  if (url.username === "" && url.password === "") return url.href;
  throw new TypeError(
    "Cannot use webhooks: a URL with a password cannot be fetched, send a header",
  );
}

function checkHeaders(
  headers: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | null {
  if (headers === undefined || headers === null) return null;
  try {
    new Headers(headers);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use webhooks: their headers: ${why}`, {
      cause,
    });
  }
  const others = Object.entries(headers)
    .find(([, text]) => typeof text !== "string");
  if (others === undefined) return { ...headers };
  throw new TypeError(
    `Cannot use webhooks: expected text as header "${
      others[0]
    }", got ${typeof others[1]}`,
  );
}

function checkSecret(secret: string): string {
  if (typeof secret !== "string" || secret === "") {
    throw new TypeError(
      "Cannot use webhooks: expected some text as the secret",
    );
  }
  if (!secret.startsWith("whsec_")) return secret;
  try {
    if (atob(secret.slice("whsec_".length)) !== "") return secret;
  } catch {
    // no base64
  }
  throw new TypeError(
    "Cannot use webhooks: expected base64 behind whsec_ in the secret",
  );
}

function expected(
  what: string,
  values: readonly string[],
  got: unknown,
): RangeError {
  return new RangeError(
    `Cannot use webhooks: expected ${what} to be ${
      values.map((value) => `"${value}"`).join(", ")
    }, got ${JSON.stringify(got)}`,
  );
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
