/** What of the project each recipe reads besides its own script and folder, relative to the project. */
export const SOURCES = {
  hypervisor: ["kernel/xen", "kernel/include"],
  tools: ["benchmarks"],
  module: ["kernel/linux", "kernel/include"],
  sockets: [
    "sockets",
    "tests/sockets",
    "kernel/include",
    "recipes/debian",
    "recipes/packages/v4v-sockets",
    "recipes/packages/v4v-dom0",
    "LICENSE",
  ],
  "gpu-image": ["recipes/domu-image"],
  "gpu-tools": ["benchmarks"],
  "nvidia-index": ["recipes/index"],
  // `npm run packages` builds it.
  "module-package": [
    "kernel/linux",
    "kernel/include",
    "dom0/v4v.modprobe",
    "recipes/debian",
    "recipes/packages/v4v-module-dkms",
    "LICENSES",
  ],
  // What only tests build.
  "plain-host": ["recipes/host-image"],
  "xen-series": ["kernel/xen", "kernel/include"],
  hostile: ["tests/hostile", "kernel/include", "kernel/linux/hypercall.h"],
  duplex: ["tests/duplex"],
  "rcuda-double": ["tests/rcuda-double"],
} as const satisfies Record<string, readonly string[]>;

/** A recipe that reads more of the project than itself. */
export type SourcedRecipe = keyof typeof SOURCES;

export const sourcesOf = (recipe: string): string[] =>
  Object.hasOwn(SOURCES, recipe) ? [...SOURCES[recipe as SourcedRecipe]] : [];
