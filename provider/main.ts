import { resources } from "./registry.ts";
import { serve } from "./rpc/serve.ts";

await serve("0.1.0", resources);
