import { afterEach, expect, test } from "vitest";
import { conditionsOf } from "../../../../provider/resources/conditions.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import { Remote } from "../../../../provider/ssh/remote.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";
import { standIns } from "../../helpers/programs.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const folder = useFolder();
const farSide = useFarSides();
afterEach(hangUpAll);

const LIST = (affinity: string): string => `
Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)
Domain-0                             0     0    0   r--      12.3  all / all
domu1                                1     0    1   -b-       1.2  ${affinity} / all
`;

async function read(affinity: string) {
  const path = standIns(folder("bin"), {
    xl: `case $1 in
info) printf 'host                   : a\\nxen_scheduler          : credit2\\n' ;;
vcpu-list) printf '%s' '${LIST(affinity).trimStart()}' ;;
esac`,
    ssh: 'echo "xen of $3"',
  });
  const { connection } = await farSide({ programs: path });
  return conditionsOf(new Remote(connection, recordedContext().signal), "domu1");
}

test("scheduler, pinning and clocks are read back", async () => {
  expect(await read("all")).toMatchObject({
    "Xen's scheduler": "credit2",
    "vCPUs pinned": "none of 2",
    "clock source, domu1": "xen of domu1",
  });
  expect(await read("1")).toMatchObject({ "vCPUs pinned": "domu1/0" });
});
