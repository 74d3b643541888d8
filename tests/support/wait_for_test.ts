import { assertEquals, assertRejects } from "@std/assert";
import { waitFor } from "./wait_for.ts";

Deno.test("waitFor() gives the first value that is true", async () => {
  let calls = 0;
  const value = await waitFor(() => ++calls === 3 && `call ${calls}`);
  assertEquals(value, "call 3");
});

Deno.test("waitFor() names what it has waited for in vain", async () => {
  const options = { timeout: 30, message: "the moon" };
  await assertRejects(() => waitFor(() => false, options), Error, "the moon");
});

Deno.test("waitFor() lets an error of the condition through", async () => {
  const condition = () => Promise.reject(new TypeError("broken"));
  await assertRejects(() => waitFor(condition), TypeError, "broken");
});
