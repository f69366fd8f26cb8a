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
 *                   slow:TRANSPORT:PERCENT   each timed round trip or streamed message of that transport takes so
 *                                   much longer than it took: a change that the evaluation has to find
 */
#ifndef V4V_BENCH_FAULT_H
#define V4V_BENCH_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "v4v_bench.h"

#ifdef V4V_BENCH_FAULTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

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

/* By how many per cent the transport is slowed; 0 without that fault. */
static inline uint32_t fault_slowness(enum transport transport)
{
	const char *fault = getenv("V4V_BENCH_FAULT");
	char name[16];
	unsigned int percent;

	if (!fault || sscanf(fault, "slow:%15[^:]:%u", name, &percent) != 2 ||
	    strcmp(name, transport_name(transport)) != 0)
		return 0;
	return percent;
}

/*
 * Makes what took from `start_ns` to `end_ns` longer, and returns its new end. It waits on the CPU: a sleep would be
 * longer than most round trips are.
 */
static inline uint64_t fault_slow(uint32_t percent, uint64_t start_ns, uint64_t end_ns)
{
	const uint64_t until_ns = end_ns + (end_ns - start_ns) * percent / 100;

	while (end_ns < until_ns)
		end_ns = now_ns();
	return end_ns;
}

/* CPU time of this process, which has one thread. */
static inline uint64_t fault_worked_ns(void)
{
	struct timespec worked;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
	return (uint64_t)worked.tv_sec * NS_PER_S + (uint64_t)worked.tv_nsec;
}

/*
 * The same for an end of a stream, by its CPU time since *worked_ns: one end alone would only wait less for the other,
 * and by the clock each would be slowed by the other's time, too.
 */
static inline void fault_slow_work(uint32_t percent, uint64_t *worked_ns)
{
	uint64_t now, until_ns;

	if (!percent)
		return;
	now = fault_worked_ns();
	for (until_ns = now + (now - *worked_ns) * percent / 100; now < until_ns;)
		now = fault_worked_ns();
	*worked_ns = now;
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

static inline uint32_t fault_slowness(enum transport transport)
{
	(void)transport;
	return 0;
}

static inline uint64_t fault_slow(uint32_t percent, uint64_t start_ns, uint64_t end_ns)
{
	(void)percent;
	(void)start_ns;
	return end_ns;
}

static inline uint64_t fault_worked_ns(void)
{
	return 0;
}

static inline void fault_slow_work(uint32_t percent, uint64_t *worked_ns)
{
	(void)percent;
	(void)worked_ns;
}

#endif

#endif
