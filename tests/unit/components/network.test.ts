import { expect, test } from "vitest";
import { bridge, guestAddress } from "../../../components/network.ts";
import { settings } from "../../../config/settings.ts";

const most = settings.find(({ path }) => path === "vmCount")?.maximum ?? 0;

test("every domU that a configuration can ask for has an address and a MAC of its own", () => {
  expect(most).toBeGreaterThanOrEqual(16);
  const all = Array.from({ length: most }, (_, i) => guestAddress(i + 1));
  expect(new Set(all.map(({ address }) => address)).size).toBe(most);
  expect(new Set(all.map(({ mac }) => mac)).size).toBe(most);
  for (const { address, mac } of all) {
    const last = Number(/^10\.83\.0\.(\d+)$/.exec(address)?.[1]);
    expect(last).toBeGreaterThan(10);
    expect(last).toBeLessThan(255);
    // Xen's range; the last byte says the same as the address.
    expect(mac).toBe(`00:16:3e:53:00:${last.toString(16).padStart(2, "0")}`);
    expect([bridge.gateway, bridge.mac]).not.toContain(address);
    expect(mac).not.toBe(bridge.mac);
  }
});

test("domU 1 is where it always was: a running testbed must not move", () => {
  expect(guestAddress(1)).toEqual({ address: "10.83.0.11", mac: "00:16:3e:53:00:0b" });
  expect(guestAddress(16)).toEqual({ address: "10.83.0.26", mac: "00:16:3e:53:00:1a" });
});

test("the bridge's own address is a locally administered unicast one", () => {
  const first = Number.parseInt(bridge.mac.slice(0, 2), 16);
  expect(first & 0b11).toBe(0b10);
});

test.each([0, -1, 245, 1000])("there is no domU number %d", (number) => {
  expect(() => guestAddress(number)).toThrow(RangeError);
});
