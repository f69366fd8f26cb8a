/* What TCP sockets get of this kernel that set no option: a run's `tcp-stock` depends on it. */
#ifndef V4V_BENCH_KERNEL_TCP_H
#define V4V_BENCH_KERNEL_TCP_H

#include <stddef.h>

/* "cubic,rmem=4096:131072:6291456,wmem=4096:16384:4194304"; "?" for what cannot be read. One word of at most size - 1 bytes. */
void kernel_tcp(char *text, size_t size);

#endif
