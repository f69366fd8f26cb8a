import type { Testbed } from "./testbed.ts";

/** Asks the Xenstore from within a domU, by its wire protocol (xen/include/public/io/xs_wire.h): a line for each request. */
const ASK = `import os, struct, sys

store = os.open("/dev/xen/xenbus", os.O_RDWR)
OPERATIONS = {"directory": 1, "read": 2, "write": 11}
ERROR = 16

def ask(operation, path, value=None):
    payload = path.encode() + b"\\0" + (value or "").encode()
    os.write(store, struct.pack("=4I", OPERATIONS[operation], 1, 0, len(payload)) + payload)
    kind, _, _, size = struct.unpack("=4I", got(16))
    return ("refused: " if kind == ERROR else "") + got(size).decode().replace("\\0", " ").strip()

def got(size):
    data = b""
    while len(data) < size:
        data += os.read(store, size - len(data))
    return data

for line in sys.stdin:
    print(ask(*line.split()))
`;

/** What the Xenstore answers a domU to requests such as `read /local/domain/3/console/ring-ref`. */
export async function storeSays(
  testbed: Testbed,
  domU: string,
  requests: readonly string[],
): Promise<string[]> {
  const said = await testbed.on(
    domU,
    `cat >/tmp/store.py <<'END'\n${ASK}END\npython3 /tmp/store.py <<'END'\n${requests.join("\n")}\nEND\nrm /tmp/store.py`,
    180,
  );
  return said.split("\n");
}
