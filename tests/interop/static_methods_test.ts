/** A static method has the same name in both languages: `shared.Mailer.send`. */

import { assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { Mailer } from "./jobs/shared.ts";
import { eachPython, findPythons } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "A static method that Python enqueues runs on Deno",
  async (stage) => {
    const id = await stage.py<string>(`
      import shared
      out = queue().enqueue(shared.Mailer.send, "you").id
    `);
    assertEquals((await stage.look(id)).func, "shared.Mailer.send");
    await stage.denoBurst("default");
    const { status, value } = await stage.look(id);
    assertEquals([status, value], ["finished", "hello, you"]);
  },
);

eachPython(
  pythons,
  "A static method that Deno enqueues runs in Python",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueue(Mailer.send, "you");
    assertEquals(job.funcName, "shared.Mailer.send");
    await stage.pythonBurst("default");
    assertEquals(await job.wait({ timeout: 10 }), "hello, you");
  },
);
