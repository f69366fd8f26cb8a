/* Unit tests in the smallest form: TEST functions that CHECK, one result line per test for run.sh to count. */
#ifndef BENCH_TEST_CHECK_H
#define BENCH_TEST_CHECK_H

#include <stdbool.h>
#include <stdio.h>

extern bool check_failed;

#define CHECK(condition)                                                                                              \
	do {                                                                                                          \
		if (!(condition)) {                                                                                   \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
			check_failed = true;                                                                          \
		}                                                                                                     \
	} while (0)

/* Checks that `text` holds `part`, and shows what it holds otherwise. */
#define CHECK_HOLDS(text, part)                                                                                       \
	do {                                                                                                          \
		if (!strstr((text), (part))) {                                                                        \
			printf("# %s:%d: \"%s\" does not hold \"%s\"\n", __FILE__, __LINE__, (text), (part));         \
			check_failed = true;                                                                          \
		}                                                                                                     \
	} while (0)

/* Runs one test and prints `ok name` or `FAIL name`. Returns 1 if it failed. */
#define RUN(test) (check_failed = false, test(), printf("%s %s\n", check_failed ? "FAIL" : "ok", #test), check_failed)

#endif
