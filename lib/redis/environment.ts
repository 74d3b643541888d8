/**
 * Where Redis is, as the environment says it. Queues, workers and the program ask here, so
 * that a variable means the same to all of them, and to RQ.
 *
 * @module
 */

import { DEFAULT_URL } from "./url.ts";

/** Values of `REDIS_SSL`, in lower case. */
const [YES, NO] = [["y", "yes", "t", "true"], ["n", "no", "f", "false"]];

/** Parameters of the URL that variables of RQ's stand for. */
const SSL = {
  ssl_ca_certs: "REDIS_SSL_CA_CERTS",
  ssl_ca_data: "REDIS_SSL_CA_DATA",
  ssl_cert_reqs: "REDIS_SSL_CERT_REQS",
  ssl_keyfile: "REDIS_SSL_KEYFILE",
  ssl_certfile: "REDIS_SSL_CERTFILE",
} as const;

/**
 * The URL of `RQ_REDIS_URL`, else of `REDIS_URL`, else made of `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`,
 * `REDIS_PASSWORD`, `REDIS_SSL`, `REDIS_SSL_CA_CERTS`, `REDIS_SSL_CA_DATA` and `REDIS_SSL_CERT_REQS`, as
 * far as they are set and not empty; without any, `redis://127.0.0.1:6379`.
 *
 * `REDIS_URL` has to be readable (`--allow-env=REDIS_URL`); others that are not count as not set.
 *
 * @throws {TypeError} If a variable has no sense; the message names it and shows no value.
 */
export function urlFromEnvironment(
  get: (name: string) => string | undefined = readVariable,
): string {
  const value = (name: string) => get(name) || undefined;
  const url = value("RQ_REDIS_URL") ?? value("REDIS_URL");
  if (url !== undefined) return url;
  const [host, port, db, password] = [
    ...["REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_PASSWORD"],
  ].map(value);
  const tls = isSecure(value("REDIS_SSL"));
  if (![host, port, db, password].some(Boolean) && !tls) return DEFAULT_URL;
  checkNumber("REDIS_PORT", port);
  checkNumber("REDIS_DB", db);
  const login = password === undefined
    ? ""
    : `:${encodeURIComponent(password)}@`;
  const where = `${hostOf(host)}:${port ?? 6379}/${db ?? 0}`;
  const query = tls ? sslParameters(value) : "";
  return `${tls ? "rediss" : "redis"}://${login}${where}${query}`;
}

function hostOf(host = "127.0.0.1"): string {
  if (host.includes(":")) return `[${host.replace(/^\[(.*)\]$/, "$1")}]`;
  return encodeURIComponent(host);
}

/** RQ heeds these only together with `REDIS_SSL`, too. */
function sslParameters(value: (name: string) => string | undefined): string {
  const params = new URLSearchParams();
  for (const [parameter, variable] of Object.entries(SSL)) {
    const text = value(variable);
    if (text !== undefined) params.set(parameter, text);
  }
  return params.size === 0 ? "" : `?${params}`;
}

function isSecure(text = "no"): boolean {
  const known = text.toLowerCase();
  if (YES.includes(known)) return true;
  if (NO.includes(known)) return false;
  throw new TypeError("Cannot use REDIS_SSL: it must be True or False");
}

function checkNumber(name: string, text: string | undefined): void {
  if (text === undefined || /^\d{1,9}$/.test(text)) return;
  throw new TypeError(`Cannot use ${name}: it is not a number`);
}

function readVariable(name: string): string | undefined {
  const readable = name === "REDIS_URL" ||
    Deno.permissions.querySync({ name: "env", variable: name }).state ===
      "granted";
  return readable ? Deno.env.get(name) : undefined;
}
