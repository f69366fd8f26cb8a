/*
 * Deliberate faults, compiled into test builds only (-DV4V_BENCH_FAULTS): tests prove with them that corrupt, lost or
 * stuck data is found. Other builds hold no trace of them.
 *
 * V4V_BENCH_FAULT=  corrupt-warmup  the server flips a bit in the first echo
 *                   corrupt-last    the server flips a bit in the echo after the timed ones (runs that end by count)
 *                   corrupt-stream  the server flips a bit in the stream's second pass
 *                   lose            the server of a stream forgets one received byte
 *                   crash           the server dies in the timed window
 *                   hang            the server stops answering in the timed window
 */
#ifndef V4V_BENCH_FAULT_H
#define V4V_BENCH_FAULT_H

#include <stdbool.h>

#ifdef V4V_BENCH_FAULTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline bool fault_is(const char *name)
{
	const char *fault = getenv("V4V_BENCH_FAULT");

	return fault && strcmp(fault, name) == 0;
}

/* The faults that end a server: called in its timed window. */
static inline void fault_in_window(void)
{
	if (fault_is("crash"))
		raise(SIGKILL);
	while (fault_is("hang"))
		pause();
}

#else

static inline bool fault_is(const char *name)
{
	(void)name;
	return false;
}

static inline void fault_in_window(void)
{
}

#endif

#endif
