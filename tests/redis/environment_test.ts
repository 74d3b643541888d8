import { assert, assertEquals, assertThrows } from "@std/assert";
import { urlFromEnvironment } from "../../lib/redis/environment.ts";
import { parseUrl } from "../../lib/redis/url.ts";

const CASES: readonly [Record<string, string>, string][] = [
  [{}, "redis://127.0.0.1:6379"],
  [{ REDIS_URL: "redis://a", REDIS_HOST: "b" }, "redis://a"],
  [{ RQ_REDIS_URL: "redis://c", REDIS_URL: "redis://a" }, "redis://c"],
  [
    { RQ_REDIS_URL: "", REDIS_URL: "", REDIS_HOST: "" },
    "redis://127.0.0.1:6379",
  ],
  [{ REDIS_HOST: "b" }, "redis://b:6379/0"],
  [{ REDIS_PORT: "7000" }, "redis://127.0.0.1:7000/0"],
  [{ REDIS_HOST: "::1", REDIS_DB: "3" }, "redis://[::1]:6379/3"],
  [{ REDIS_PASSWORD: "p@s/w#" }, "redis://:p%40s%2Fw%23@127.0.0.1:6379/0"],
  [{ REDIS_HOST: "b", REDIS_SSL: "True" }, "rediss://b:6379/0"],
  [{ REDIS_HOST: "b", REDIS_SSL: "f" }, "redis://b:6379/0"],
  [
    { REDIS_HOST: "b", REDIS_SSL: "yes", REDIS_SSL_CERT_REQS: "required" },
    "rediss://b:6379/0?ssl_cert_reqs=required",
  ],
  // Without TLS, these are ignored.
  [{ REDIS_HOST: "b", REDIS_SSL_CERT_REQS: "none" }, "redis://b:6379/0"],
];

Deno.test.each(CASES.map(([env, url]) => ({ env, url })))(
  "the environment $env means $url",
  ({ env, url }) => {
    const found = urlFromEnvironment((name) => env[name]);
    assertEquals(found, url);
    parseUrl(found);
  },
);

Deno.test("a password of the environment is read whole, whatever is in it", () => {
  const password = "a/b?c#d@e:f%g";
  const url = urlFromEnvironment((name) =>
    name === "REDIS_PASSWORD" ? password : undefined
  );
  assertEquals(parseUrl(url).credentials.password, password);
});

Deno.test.each(["REDIS_PORT", "REDIS_DB", "REDIS_SSL"])(
  "a %s that makes no sense is named and not shown",
  (variable) => {
    const error = assertThrows(
      () =>
        urlFromEnvironment((name) =>
          name === variable ? "tcp://hunter2:6379" : undefined
        ),
      TypeError,
      variable,
    );
    assert(!error.message.includes("hunter2"), error.message);
  },
);
