/* SIGINT, SIGTERM and SIGHUP ask the drive to end in good order. */
#ifndef V4V_BENCH_STOP_H
#define V4V_BENCH_STOP_H

#include <stdbool.h>

/* Catches them; sleeping system calls return. */
void stop_on_signals(void);

/* True once one of them came. */
bool stop_requested(void);

#endif
