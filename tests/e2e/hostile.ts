import { join } from "node:path";
import type { Testbed } from "./testbed.ts";

/** A domU whose own V4V module is replaced by tests/hostile: it makes calls to no good end, or only burns CPU. */

const MODULE = "/run/v4v_hostile.ko";
const LOG = "/run/v4v_hostile.log";
const ENOUGH = "/sys/module/v4v_hostile/parameters/enough";
/** The longest that it goes on when nobody stops it, s. */
const MOST_SECONDS = 1800;

/**
 * A function for dom0's shell: `boot NAME COMMAND` starts a domU anew and waits until the command succeeds in it. Twice if
 * need be: under emulation about one of fifty kernels with two CPUs panics while it boots (an int3 of its own text
 * patching is met by the other CPU after it was taken out; seen in a domU that had done nothing yet).
 */
export const BOOT = `
boot() {
  for attempt in 1 2; do
    systemctl restart v4v-domu@$1 || true
    for i in $(seq 120); do
      xl domid $1 >/dev/null 2>&1 || break
      ! ssh -n -F /etc/v4v-testbed/ssh_config $1 "$2" 2>/dev/null || return 0
      sleep 1
    done
    tail -n 100 /var/log/xen/console/guest-$1.log
    echo "$1 did not come up"
  done
  return 1
}`;

export interface Attack {
  seed: number;
  /** Calls, at least. */
  count: number;
  /** Domain ids of those who are to suffer. */
  targets: readonly number[];
}

export interface Summary {
  cpus: number;
  calls: number;
  /** How often each errno came back. */
  errors: Map<number, number>;
}

export class HostileDomain {
  readonly name: string;
  readonly #testbed: Testbed;

  constructor(testbed: Testbed, name: string) {
    this.#testbed = testbed;
    this.name = name;
  }

  #run(script: string, timeoutS?: number): Promise<string> {
    return this.#testbed.step(this.name, script, timeoutS);
  }

  /** Starts it again with a second CPU: one changes memory while the other's call is under way. */
  async getsTwoCpus(): Promise<void> {
    const config = `/var/lib/v4v-testbed/domains/${this.name}/domain.cfg`;
    await this.#testbed.step(
      "host",
      `set -e
      sed -i 's/^vcpus = 1$/vcpus = 2/' ${config}
      ${BOOT}
      boot ${this.name} '[ "$(nproc)" = 2 ]'`,
      400,
    );
  }

  /** Puts the module into the domU, and the domU's own one out of the way. */
  async arm(): Promise<void> {
    const { path } = await this.#testbed.build("hostile");
    this.#testbed.copy(this.name, join(path, "v4v_hostile.ko"), MODULE);
    await this.#run("rmmod v4v && dmesg -C");
  }

  async #load(parameters: string): Promise<void> {
    // It comes back from insmod when it has been told that it is enough.
    await this.#run(
      `rm -f ${LOG}
      nohup sh -c 'insmod ${MODULE} enough=0 seconds=${MOST_SECONDS} ${parameters} >${LOG} 2>&1; echo "ended $?" >>${LOG}' >/dev/null 2>&1 &
      for i in $(seq 100); do [ ! -e ${ENOUGH} ] || exit 0; sleep 0.1; done
      cat ${LOG}; dmesg | tail; exit 1`,
    );
  }

  attack({ seed, count, targets }: Attack): Promise<void> {
    return this.#load(`seed=${seed} count=${count} targets=${targets.join(",")}`);
  }

  burn(): Promise<void> {
    return this.#load("burn=1");
  }

  /** Ends an attack once its calls have been made, or the burning; nothing of it is left in the domU's kernel. */
  async stop(): Promise<Summary> {
    const output = await this.#run(
      `echo 1 >${ENOUGH}
      for i in $(seq ${MOST_SECONDS}); do ! grep -q ended ${LOG} || break; sleep 1; done
      cat ${LOG}; rmmod v4v_hostile && dmesg | grep 'v4v_hostile: seed' | tail -n 1`,
      MOST_SECONDS + 60,
    );
    const told = /seed \d+, (\d+) CPUs: (\d+) calls, errors(.*)$/m.exec(output);
    if (told === null || !/^ended 0$/m.test(output))
      throw new Error(`the hostile module says:\n${output}`);
    const errors = [...(told[3] ?? "").matchAll(/ (\d+):(\d+)/g)].map(
      ([, errno, count]): [number, number] => [Number(errno), Number(count)],
    );
    return { cpus: Number(told[1]), calls: Number(told[2]), errors: new Map(errors) };
  }
}
