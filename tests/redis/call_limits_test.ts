import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  CallRefusedError,
  ConnectionLostError,
} from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { DRIVERS, Proxy, rejection, WAYS } from "./support.ts";

const MB = 1 << 20;

/** How a server is started, a call that it refuses, and the error. */
const TOO_LARGE = [
  {
    setting: ["--proto-max-bulk-len", "1mb"],
    args: ["key", "x".repeat(2 * MB)],
    bytes: 2 * MB + 3,
    says:
      "ERR Protocol error: invalid bulk length, its proto-max-bulk-len is 1,048,576",
  },
  {
    // Fewer characters than bytes are allowed.
    setting: ["--proto-max-bulk-len", "1mb"],
    args: ["key", "€".repeat(MB / 2)],
    bytes: 1.5 * MB + 3,
    says:
      "ERR Protocol error: invalid bulk length, its proto-max-bulk-len is 1,048,576",
  },
  {
    setting: ["--client-query-buffer-limit", "1mb"],
    args: ["key", new Uint8Array(MB)],
    bytes: MB + 3,
    says: "its client-query-buffer-limit is 1,048,576",
  },
];

Deno.test.each(
  WAYS.flatMap((way) =>
    TOO_LARGE.map((what) => ({
      ...what,
      way,
      name: way.name,
      set: what.setting.join(" "),
    }))
  ),
)(
  "a call of $bytes bytes is refused with the reason by a server with $set, neighbours unharmed, over $name",
  async ({ way, setting, args, bytes, says }) => {
    await using server = await RedisServer.start({ args: setting });
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const before = client.send("INCR", ["neighbour"]);
    const errors = [
      rejection(client.send("SET", args, { resend: true })),
      rejection(client.send("SET", args)),
    ];
    const after = client.send("INCR", ["neighbour"]);
    for (const error of await Promise.all(errors)) {
      assert(error instanceof CallRefusedError, String(error));
      assertEquals(error.bytes, bytes);
      assertEquals(error.sent, false);
      assertEquals(
        error.message,
        `Cannot send SET of ${
          bytes.toLocaleString("en")
        } bytes to Redis at ${client.url}: ${says}`,
      );
    }
    assertEquals([await before, await after], [1, 2]);
  },
);

Deno.test.each(DRIVERS)(
  "what a server takes is sent, though it is large, over $name",
  async (way) => {
    await using server = await RedisServer.start({
      args: ["--proto-max-bulk-len", "1mb"],
    });
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const large = "x".repeat(MB);
    assertEquals(await client.send("SET", ["key", large]), "OK");
    assertEquals(await client.send("GET", ["key"]), large);
  },
);

Deno.test.each(DRIVERS)(
  "a call is given up when a server that tells no limits cut it off a few times, neighbours unharmed, over $name",
  async (way) => {
    await using server = await RedisServer.start({
      args: [
        ...["--proto-max-bulk-len", "1mb", "--rename-command", "CONFIG", ""],
      ],
    });
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const options = { resend: true };
    const error = rejection(
      client.send("SET", ["key", "x".repeat(10 * MB)], options),
    );
    const neighbours = Array.from(
      { length: 20 },
      () => client.send("SADD", ["set", "x"], options),
    );
    const refused = await error;
    assert(refused instanceof CallRefusedError, String(refused));
    assertEquals(refused.sent, true);
    assertStringIncludes(refused.message, "SET of 10,485,763 bytes");
    assertEquals((await Promise.all(neighbours)).length, 20);
  },
);

Deno.test.each(DRIVERS)(
  "a call that something on the way cuts off is given up, those beside it are not, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    proxy.cutsAt = (bytes) =>
      new TextDecoder().decode(bytes).includes("poison");
    await using subject = await way.connect(proxy.port);
    const { client } = subject;
    const push = (text: string) =>
      client.send("SADD", ["set", text], { resend: true });
    const before = Array.from({ length: 10 }, (_, i) => push(`before ${i}`));
    const error = rejection(push("poison"));
    const after = Array.from({ length: 10 }, (_, i) => push(`after ${i}`));
    const refused = await error;
    assert(refused instanceof CallRefusedError, String(refused));
    assertStringIncludes(refused.message, "6 times");
    await Promise.all([...before, ...after]);
    assertEquals(await client.send("SCARD", ["set"]), 20);
  },
);

Deno.test.each(DRIVERS)(
  "a call that must not be sent again is sent once, whatever it is, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    let cuts = 0;
    proxy.cutsAt = (bytes) => {
      const cut = new TextDecoder().decode(bytes).includes("poison");
      if (cut) cuts++;
      return cut;
    };
    await using subject = await way.connect(proxy.port);
    const error = await rejection(subject.client.send("SADD", ["s", "poison"]));
    assert(error instanceof ConnectionLostError, String(error));
    assertEquals(error.sent, true);
    assertEquals(cuts, 1);
  },
);
