/** Bits that no processor sets in EFLAGS (Intel SDM volume 1, 3.4.3): 3, 5, 15 and from 22 on. */
const RESERVED_FLAGS = 0xffc08028;

const TRACE = /^.*-+\[ cut here \]-+$[^]*?^.*---\[ end trace .*\n?/gm;

/**
 * A kernel's log without what only the emulator can have caused: QEMU's TCG computes the flags when they are asked for,
 * and has been seen to make them up (once in 2.6 million hostile calls: EFLAGS 0468cb42, whose trap flag then stopped the
 * kernel in the middle of kmem_cache_alloc_node()). A debug exception counts as this only if its frame has reserved bits.
 */
export function withoutEmulatorsFlags(log: string): string {
  return log.replace(TRACE, (trace) => {
    const flags = [...trace.matchAll(/EFLAGS: ([0-9a-f]{8})\b/g)].map(([, hex]) =>
      Number(`0x${hex}`),
    );
    const isImpossible = flags.some((value) => (value & RESERVED_FLAGS) !== 0);
    if (!trace.includes("exc_debug_kernel") || !isImpossible) return trace;
    console.log(`a debug exception with flags that no processor has:\n${trace}`);
    return "";
  });
}
