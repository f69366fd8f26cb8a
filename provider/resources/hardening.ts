import { quote } from "../ssh/quote.ts";

/**
 * What units of a run in dom0 may, the one of v4v-bench and the one of the GPU's legs: log in to domUs, ask the
 * hypervisor for CPU times, write into the run's folder. Devices are not restricted by name: which one of Xen's a library
 * opens is its own business.
 */
export const HARDENING: readonly string[] = [
  // ssh calls initgroups(3) before it runs root's KnownHostsCommand.
  "CapabilityBoundingSet=CAP_IPC_LOCK CAP_SETGID",
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "ProtectHome=read-only",
  "PrivateTmp=yes",
  "PrivateMounts=yes",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectProc=invisible",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "LockPersonality=yes",
  "MemoryDenyWriteExecute=yes",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
  "SystemCallArchitectures=native",
  "UMask=0077",
];

/** The same as arguments of systemd-run(1), as a shell reads them. */
export const HARDENING_ARGUMENTS = HARDENING.map((property) => `-p ${quote(property)}`).join(" ");
