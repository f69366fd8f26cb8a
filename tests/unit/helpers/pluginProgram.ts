// A plugin of its own process for serve.test.ts: one resource whose operations end when they are told to, or never.
import { serve } from "../../../provider/rpc/serve.ts";
import type { Resource } from "../../../provider/resource.ts";

const thing: Resource = {
  deadlines: { create: 60, update: 60, delete: 60 },
  id: () => "the id",
  ensure: (context, inputs) =>
    new Promise((_resolve, reject) => {
      process.stderr.write("busy\n");
      if (inputs.stubborn === true) return;
      context.signal.addEventListener("abort", () => {
        // Ending takes a moment, as closing a connection would.
        setTimeout(() => {
          reject(context.signal.reason as Error);
        }, 300);
      });
    }),
  read: (_context, prior) => Promise.resolve(prior),
  delete: () => Promise.resolve(),
};

await serve("9.9.9", new Map([["fake:index:Thing", thing]]));
