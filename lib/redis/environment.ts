/**
 * Reads the URL of Redis from the environment. Queues, workers and the command line all use it, so
 * that a variable means the same to each of them, and to RQ.
 *
 * @module
 */

import { readVariable } from "../base/platform.ts";
import { DEFAULT_URL } from "./url.ts";

/** Values of `REDIS_SSL`, in lower case. */
const [YES, NO] = [["y", "yes", "t", "true"], ["n", "no", "f", "false"]];

/** URL parameters, and the environment variables of RQ that set them. */
const SSL = {
  ssl_ca_certs: "REDIS_SSL_CA_CERTS",
  ssl_ca_data: "REDIS_SSL_CA_DATA",
  ssl_cert_reqs: "REDIS_SSL_CERT_REQS",
  ssl_keyfile: "REDIS_SSL_KEYFILE",
  ssl_certfile: "REDIS_SSL_CERTFILE",
} as const;

/**
 * `RQ_REDIS_URL`, else `REDIS_URL`, else a URL built from `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`,
 * `REDIS_PASSWORD`, `REDIS_SSL`, `REDIS_SSL_CA_CERTS`, `REDIS_SSL_CA_DATA` and `REDIS_SSL_CERT_REQS`, else
 * `redis://127.0.0.1:6379`. An empty variable counts as not set.
 *
 * `REDIS_URL` must be readable (`--allow-env=REDIS_URL`); any other variable that is not readable counts as not set.
 *
 * @throws {TypeError} If a variable's value makes no sense. The message names the variable and shows no value.
 */
export function urlFromEnvironment(
  get: (name: string) => string | undefined = readRedisVariable,
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

/** As in RQ, these count only together with `REDIS_SSL`. */
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

function readRedisVariable(name: string): string | undefined {
  return readVariable(name, { ask: name === "REDIS_URL" });
}
