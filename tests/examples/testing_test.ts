import { assertEquals } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("examples/testing.ts tests what enqueues, without Redis", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...runFlags(), "examples/testing.ts"],
    cwd: ROOT,
    env: { REDIS_URL: "redis://127.0.0.1:1", NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text + new TextDecoder().decode(stderr));
  assertEquals(text.includes("3 passed"), true, text);
});
