/**
 * Redis URLs: read into what a driver needs, and shown without their password.
 *
 * @module
 */

/** Where a server listens. */
export type Address =
  | { readonly hostname: string; readonly port: number; readonly tls: boolean }
  | { readonly path: string };

/** What is said to the server right after connecting. */
export interface Credentials {
  /** The ACL user; the default user without it. */
  readonly username?: string;
  /** Its password; no `AUTH` is sent without it. */
  readonly password?: string;
  /** The number of the database; 0 needs no `SELECT`. */
  readonly db: number;
}

/** A Redis URL, taken apart. */
export interface RedisTarget {
  /** Where the server listens. */
  readonly address: Address;
  /** Who we are, and which database we use. */
  readonly credentials: Credentials;
  /** The URL with the password masked, fit for messages. */
  readonly url: string;
}

/**
 * Reads `redis://user:password@host:port/db`, `rediss://…` and
 * `unix:/path?db=1`. User and password are percent-decoded.
 *
 * @throws {TypeError} If it is anything else; the message shows no password.
 */
export function parseUrl(input: string | URL): RedisTarget {
  const text = String(input);
  if (!URL.canParse(text)) {
    throw new TypeError(
      "Cannot read the Redis URL: it is not a URL such as redis://host:6379/0",
    );
  }
  const url = new URL(text);
  const credentials = readCredentials(url);
  const address = readAddress(url);
  return { address, credentials, url: formatUrl(address, credentials) };
}

/** Writes a URL with `***` in the place of the password. */
export function formatUrl(address: Address, credentials: Credentials): string {
  const user = credentials.username === undefined
    ? ""
    : encodeURIComponent(credentials.username);
  const login = credentials.password === undefined
    ? (user === "" ? "" : `${user}@`)
    : `${user}:***@`;
  if ("path" in address) {
    const query = credentials.db === 0 ? "" : `?db=${credentials.db}`;
    return login === ""
      ? `unix:${address.path}${query}`
      : `unix://${login}${address.path}${query}`;
  }
  const host = address.hostname.includes(":")
    ? `[${address.hostname}]`
    : address.hostname;
  const path = credentials.db === 0 ? "" : `/${credentials.db}`;
  const scheme = address.tls ? "rediss" : "redis";
  return `${scheme}://${login}${host}:${address.port}${path}`;
}

function readAddress(url: URL): Address {
  if (url.protocol === "unix:") {
    const path = decode(url.pathname, "path");
    if (!path.startsWith("/") || path === "/") {
      throw refusal(url, "a unix: URL needs an absolute path");
    }
    return { path };
  }
  if (url.hostname === "") throw refusal(url, "it names no host");
  const hostname = decode(url.hostname, "host").replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? 6379 : Number(url.port);
  return { hostname, port, tls: url.protocol === "rediss:" };
}

function readCredentials(url: URL): Credentials {
  if (!["redis:", "rediss:", "unix:"].includes(url.protocol)) {
    throw refusal(url, "the scheme must be redis:, rediss: or unix:");
  }
  for (const name of url.searchParams.keys()) {
    if (name !== "db") throw refusal(url, `it has no parameter "${name}"`);
  }
  return {
    ...(url.username === "" ? {} : { username: decode(url.username, "user") }),
    ...(url.password === ""
      ? {}
      : { password: decode(url.password, "password") }),
    db: readDb(url),
  };
}

function readDb(url: URL): number {
  const path = url.protocol === "unix:" ? "" : url.pathname.slice(1);
  const text = path === "" ? url.searchParams.get("db") ?? "0" : path;
  if (!/^\d{1,9}$/.test(text)) {
    throw refusal(url, `the database "${text}" is not a number`);
  }
  return Number(text);
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TypeError(
      `Cannot read the Redis URL: the ${part} is not percent-encoded right`,
      { cause },
    );
  }
}

function refusal(url: URL, reason: string): TypeError {
  const shown = new URL(url);
  // A scheme without a host, such as "http" spelled "htp:x", keeps no password to mask.
  if (shown.password !== "") shown.password = "***";
  return new TypeError(`Cannot use the Redis URL ${shown.href}: ${reason}`);
}
