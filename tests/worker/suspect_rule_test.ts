import { assert, assertEquals } from "@std/assert";
import { SuspectRule } from "../../lib/worker/suspect_rule.ts";

function rule() {
  let now = 5_000;
  return {
    rule: new SuspectRule(() => now),
    pass: (ms: number) => now += ms,
  };
}

Deno.test("a worker that has met no suspect stops in front of the first, and holds nothing up", () => {
  const { rule: met } = rule();
  assertEquals([met.holdMs(), met.mode()], [0, "stop"]);
});

Deno.test("a worker waits for free hands, then passes over for as long, then waits twice as long", () => {
  const { rule: met, pass } = rule();
  for (const hold of [2_000, 4_000, 8_000]) {
    met.met();
    assertEquals(met.holdMs(), hold);
    pass(hold);
    assertEquals([met.holdMs(), met.mode()], [0, "pass"]);
    pass(hold - 1);
    assertEquals(met.mode(), "pass");
    pass(1);
    assertEquals([met.holdMs(), met.mode()], [0, "stop"]);
  }
});

Deno.test("it never waits for more than half of the time, nor for longer than ten minutes", () => {
  const { rule: met, pass } = rule();
  let held = 0;
  let passed = 0;
  for (let i = 0; i < 20; i++) {
    met.met();
    const hold = met.holdMs();
    assert(hold <= 600_000, `${hold}`);
    held += hold;
    pass(hold);
    while (met.mode() === "pass") passed += pass(1_000) > 0 ? 1_000 : 0;
  }
  assert(passed >= held, `${passed} < ${held}`);
});

Deno.test("where there are only suspects to be passed over, the queue is looked at each second, and the pass goes on", () => {
  const { rule: met, pass } = rule();
  met.met();
  pass(2_000);
  met.met();
  assertEquals([met.holdMs(), met.mode()], [1_000, "pass"]);
  pass(1_000);
  assertEquals([met.holdMs(), met.mode()], [0, "pass"]);
});

Deno.test("a suspect that was taken, or met long after the last, begins anew", () => {
  const { rule: met, pass } = rule();
  met.met();
  pass(4_000);
  met.met();
  met.reset();
  assertEquals([met.holdMs(), met.mode()], [0, "stop"]);
  met.met();
  assertEquals(met.holdMs(), 2_000);
  pass(3_600_000);
  met.met();
  assertEquals(met.holdMs(), 2_000);
});
