import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { rejection, until } from "./support.ts";

/** A server with a self-signed certificate. */
async function startTls(directory: string) {
  const [cert, key] = [`${directory}/cert.pem`, `${directory}/key.pem`];
  const port = freePort();
  const { success } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
      ...["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", key, "-out", cert],
    ],
    stderr: "null",
  }).output();
  assert(success);
  const server = await RedisServer.start({
    args: [
      ...["--tls-port", `${port}`, "--tls-auth-clients", "no"],
      ...["--tls-cert-file", cert, "--tls-key-file", key],
    ],
  });
  return { server, cert, port };
}

/** Why no certificate can be created, if that is so. */
async function withoutOpenssl(): Promise<string | undefined> {
  try {
    await new Deno.Command("openssl", { args: ["version"] }).output();
    return undefined;
  } catch {
    return "no openssl";
  }
}

const reason = await withoutOpenssl();

for (const driver of ["@db/redis", "ioredis"] as const) {
  testUnless(
    reason,
    `a TLS server is believed by ssl_ca_certs, and not without, over ${driver}`,
    async () => {
      const directory = await Deno.makeTempDir();
      const { server, cert, port } = await startTls(directory);
      await using _server = server;
      const url = `rediss://localhost:${port}`;
      const query = `?ssl_ca_certs=${encodeURIComponent(cert)}`;
      await using client = connect(url + query, { driver });
      assertEquals(await client.send("PING"), "PONG");
      assertEquals(client.url, url);
      const blocking = client.blocking();
      const pop = blocking.send("BLPOP", ["list", 0.01], { blockMs: 10 });
      assertEquals(await pop, null);
      await using stranger = connect(url, { driver, connectTimeout: 2_000 });
      const error = await rejection(stranger.send("PING"));
      assertMatch(error.message, /UnknownIssuer|self[- ]signed/);
      await Deno.remove(directory, { recursive: true });
    },
  );

  testUnless(
    reason,
    `a client closed while it dials by TLS leaves no connection over ${driver}`,
    async () => {
      const directory = await Deno.makeTempDir();
      const { server, cert, port } = await startTls(directory);
      await using _server = server;
      await using probe = connect(server.url);
      const url = `rediss://localhost:${port}?ssl_ca_certs=${cert}`;
      for (let i = 0; i < 40; i++) {
        const client = connect(url, { driver });
        const asked = client.send("PING").catch(() => undefined);
        for (let turn = 0; turn < i % 8; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        await client.close();
        await asked;
      }
      await until(async () => {
        const list = String(await probe.send("CLIENT", ["LIST"]));
        return list.trim().split("\n").length === 1;
      });
      await Deno.remove(directory, { recursive: true });
    },
  );
}
