import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eachWay, type TestRunner } from "./support.ts";

const childUrl = new URL("./fixtures/liar.ts", import.meta.url).href;

// Read, not imported: a liar listens to its stdin.
const LIES = [
  ...Deno.readTextFileSync(new URL(childUrl))
    .matchAll(/^ {2}"(.+)": \(/gm),
].map(([, name]) => name!);

async function honest(t: TestRunner): Promise<void> {
  assertEquals(await t.result("jobs.one", ["honest"]), "fine");
}

for (const lie of LIES) {
  eachWay(
    `a subprocess that sends ${lie} fails its own job only`,
    async (create) => {
      await using t = await create({ childUrl, maxAlone: 5 });
      const liar = t.failure("jobs.one", [lie]);
      const beside = t.result("jobs.one", ["honest"]);
      const { reason, message } = await liar;
      assertEquals(reason, "crash");
      assertStringIncludes(message, "Cannot read the subprocess's");
      assertEquals(await beside, "fine");
      await honest(t);
    },
  );
}

eachWay("whatever a subprocess says, its jobs end", async (create) => {
  await using t = await create({ childUrl, maxAlone: 5, killGrace: 100 });
  for (let seed = 1; seed <= 40; seed += 4) {
    const runs = [0, 1, 2, 3].map((i) =>
      t.run("jobs.one", ["random", seed + i], { timeout: 0.5 })
    );
    for (const outcome of await Promise.all(runs)) {
      assert(outcome.type === "success" || outcome.type === "failure");
    }
  }
  await honest(t);
});
