/** Groups in groups. */

import { assertEquals } from "@std/assert";
import { deleteGroup } from "../../lib/store/group_store.ts";
import { addTo, ALL_CALLS, called, counts, create, look } from "./groups.ts";
import { Bench } from "./support.ts";

Deno.test("a group in a group is one of its members, which has finished if all of its own have", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "outer", { calls: ALL_CALLS });
  for (const id of ["x", "y"]) {
    const options = { parent: "outer", calls: ["on_complete"] as const };
    await create(bench, id, options);
    await addTo(bench, id, `${id}1`);
  }
  await addTo(bench, "outer", "own");
  assertEquals(await counts(bench, "outer"), "open 3, total 3");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await called(bench), ["x-on_complete", "outer-on_failure"]);
  await bench.run(worker);
  await bench.run(worker);
  assertEquals(
    await counts(bench, "outer"),
    "total 3, finished 2, failed 1 (complete)",
  );
  await bench.jobs.requeue("x1", false);
  assertEquals(await counts(bench, "outer"), "open 1, total 3, finished 2");
  await bench.run(worker);
  assertEquals(await counts(bench, "outer"), "total 3, finished 3 (complete)");
  assertEquals((await called(bench)).slice(2), [
    ...["y-on_complete", "outer-on_complete", "outer-on_success"],
  ]);
});

Deno.test("what an inner group calls for can be a member of the outer one, which waits for it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await create(bench, "outer", { calls: ["on_complete"] });
  await create(bench, "inner", {
    parent: "outer",
    calls: ["on_complete"],
    callOptions: { queue: "q", fields: { group_id: "outer" } },
  });
  await addTo(bench, "inner", "a");
  await bench.run(worker);
  assertEquals(
    await counts(bench, "outer"),
    "open 1, total 2, finished 1",
  );
  assertEquals(await bench.run(worker), "inner-on_complete");
  assertEquals(await called(bench), ["outer-on_complete"]);
});

Deno.test("an inner group that is deleted or has never had a member does not keep the outer one open for ever", async () => {
  await using bench = await Bench.open();
  await create(bench, "outer", { calls: ["on_complete"] });
  await create(bench, "deleted", { parent: "outer" });
  await create(bench, "unused", { parent: "outer" });
  await deleteGroup(bench.jobs, "deleted", false);
  assertEquals(await counts(bench, "outer"), "open 1, total 2, gone 1");
  await bench.send("DEL", "rq:x_group:unused"); // as time does
  await look(bench, "outer");
  assertEquals(await called(bench), ["outer-on_complete"]);
});

Deno.test("groups are no more than ten one inside the other, none inside itself", async () => {
  await using bench = await Bench.open();
  await create(bench, "g1");
  for (let i = 2; i <= 10; i++) {
    const created = await create(bench, `g${i}`, { parent: `g${i - 1}` });
    assertEquals(created, "created");
  }
  assertEquals(await create(bench, "g11", { parent: "g10" }), "too deep");
  await deleteGroup(bench.jobs, "g1", false);
  assertEquals(await create(bench, "g1", { parent: "g3" }), "too deep");
  assertEquals(await create(bench, "h", { parent: "gone" }), "no parent");
});
