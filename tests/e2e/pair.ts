import { expect } from "vitest";
import { Duplex } from "./duplex.ts";
import type { Testbed } from "./testbed.ts";

/** domu1 and domu2, which send each other bytes over AF_VSOCK for a while, each time by a new connection. */
export class Pair {
  readonly #duplex: Duplex;

  constructor(testbed: Testbed) {
    this.#duplex = new Duplex(testbed, ["domu1", "domu2"], "stream");
  }

  async prepare(): Promise<void> {
    await this.#duplex.place();
  }

  /** Every byte must arrive in its place. Megabytes a second, both ways together. */
  async transfer(seconds: number): Promise<number> {
    await this.#duplex.start();
    const rate = await this.#duplex.rate(seconds);
    await this.#duplex.finish();
    expect(rate).toBeGreaterThan(0);
    return rate;
  }
}
