import { Command } from "commander";
import { look, type DomainStatus, type Status } from "../lib/status.ts";
import { checkStackName, DEFAULT_STACK } from "../lib/workspace.ts";

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How something compares with what the stack's state expects. */
function compared(found: string, expected: string | null): string {
  if (expected === null) return found;
  return found === expected ? `${found} (as expected)` : `${found} (expected ${expected})`;
}

function hostLines(status: Status): string[] {
  const { machine, existing, measuring, progress = [], host, expected, sshConfig } = status;
  if (machine === undefined && existing !== true) return ["machine   not running"];
  const process =
    machine === undefined
      ? "an existing host"
      : `process ${machine.pid}, accelerator ${machine.accelerator ?? "unknown"}`;
  if (host === undefined) {
    const why =
      measuring === undefined
        ? "does not answer"
        : `not asked: run ${measuring} is being measured, and asking would disturb it`;
    return [
      `machine   running: ${process}`,
      `dom0      ${why}`,
      ...progress.map((line) => `          ${line}`),
    ];
  }
  const { xen } = host;
  return [
    `machine   running: ${process}, up for ${duration(host.uptimeSeconds)}`,
    xen === null
      ? "xen       not running"
      : `xen       ${xen.version}, build id ${compared(xen.buildId, expected.buildId)}`,
    `dom0      ${host.memoryMiB} MiB, ${host.availableMiB} MiB available; V4V module ${compared(host.module ?? "not loaded", expected.module)}`,
    `ssh       ssh -F ${sshConfig ?? ""} host`,
  ];
}

function moduleText({ module }: DomainStatus): string {
  return module === undefined ? "-" : (module ?? "not loaded");
}

function domainTable(domains: readonly DomainStatus[]): string[] {
  if (domains.length === 0) return ["no domUs"];
  const several = domains.some(({ host }) => host !== undefined);
  const rows = [
    [
      "domain",
      ...(several ? ["host"] : []),
      ...["state", "domid", "CID", "address", "MiB", "SSH", "V4V module"],
    ],
    ...domains.map((domain) => [
      domain.name,
      ...(several ? [domain.host ?? "host"] : []),
      domain.state ?? "unknown",
      String(domain.domid ?? "-"),
      String(domain.cid ?? "-"),
      domain.address,
      String(domain.memoryMiB ?? "-"),
      domain.ssh === undefined ? "-" : domain.ssh ? "answers" : "silent",
      moduleText(domain),
    ]),
  ];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A status for people. */
export function describe(status: Status): string {
  const { evaluation, problems } = status;
  const measured =
    evaluation === null
      ? "none yet; npm run evaluate"
      : `${evaluation.run}, ${evaluation.complete ? "complete" : "not complete"}: ${evaluation.report}`;
  const verdict = status.healthy
    ? [`healthy   stack ${status.stack}`]
    : problems.map(
        ({ what, next }, i) => `${i === 0 ? "NOT WELL" : "also    "}  ${what}; next: ${next}`,
      );
  const known =
    status.machine !== undefined || status.existing === true || status.domains.length > 0;
  return [
    ...(known ? [...hostLines(status), "", ...domainTable(status.domains), ""] : []),
    `measured  ${measured}`,
    ...verdict,
  ].join("\n");
}

export function statusCommand(): Command {
  return new Command("status")
    .description("Show host, domUs, last evaluation and health; the exit code is 0 if all is well")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("--deep", "log in to every domU and look at its V4V module, too: a second each", false)
    .option("--json", "for programs", false)
    .action(({ stack, deep, json }: { stack: string; deep: boolean; json: boolean }) => {
      checkStackName(stack);
      const status = look(stack, deep);
      console.log(json ? JSON.stringify(status, null, 2) : describe(status));
      process.exitCode = status.healthy ? 0 : 1;
    });
}
