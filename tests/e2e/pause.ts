import { join } from "node:path";
import { FILES } from "../../provider/qemu/arguments.ts";
import { Monitor } from "../../provider/qemu/monitor.ts";

/**
 * An emulated machine's clocks stand still, or go on. Whoever stops QEMU stops these first: its ACPI timer wraps within 5 s, and Xen
 * takes a longer jump for a faster TSC and lets time crawl afterwards, for a time that depends on where in those 5 s it was.
 */
export async function machineClock(folder: string, command: "stop" | "cont"): Promise<void> {
  const monitor = await Monitor.connect(join(folder, FILES.monitor));
  try {
    await monitor.execute(command);
  } finally {
    monitor.close();
  }
}
