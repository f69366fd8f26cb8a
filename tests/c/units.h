/* What unit programs of foreign components share; each component's test.h says how a test begins and ends. */
#ifndef UNITS_H
#define UNITS_H

#include "check.h"

/* What was printed before a sanitizer ends the program must not be lost. */
#define TESTS_BEGIN setvbuf(stdout, NULL, _IOLBF, 0)

#define TEST(name) run_test(#name, name)

#define CHECK_EQUAL(actual, expected)                                                                             \
	do {                                                                                                      \
		long actual_ = (long)(actual), expected_ = (long)(expected);                                      \
		if (actual_ != expected_) {                                                                       \
			printf("# %s:%d: %s is %ld instead of %s (%ld)\n", __FILE__, __LINE__, #actual, actual_,  \
			       #expected, expected_);                                                             \
			check_failed = true;                                                                      \
		}                                                                                                 \
	} while (0)

#endif
