/* The one clock of the program, and deadlines on it. */
#ifndef BENCH_COMMON_CLOCK_H
#define BENCH_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull
#define NS_PER_S 1000000000ull

/* CLOCK_MONOTONIC in ns. */
static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The moment `ms` milliseconds from now. */
static inline uint64_t deadline_in_ms(uint64_t ms)
{
	return now_ns() + ms * NS_PER_MS;
}

/* Whole milliseconds until the deadline, rounded up, 0 once it is past; fits poll()'s int. */
static inline int ms_until(uint64_t deadline_ns)
{
	uint64_t now = now_ns();
	uint64_t ms;

	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 86400000 ? 86400000 : (int)ms;
}

/* Sleeps until the moment, through signals. */
static inline void sleep_until(uint64_t moment_ns)
{
	struct timespec moment = {
		.tv_sec = (time_t)(moment_ns / NS_PER_S),
		.tv_nsec = (long)(moment_ns % NS_PER_S),
	};

	while (now_ns() < moment_ns)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL);
}

#endif
