/* Each test starts with an empty machine and V4V switched on; what it leaves behind fails it. */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/v4v.h>

#include "check.h"
#include "guest.h"

extern bool *const shim_opt_v4v;

static inline bool run_test(const char *name, void (*test)(void))
{
	check_failed = false;
	machine_start();
	*shim_opt_v4v = true;
	test();
	machine_stop();
	printf("%s %s\n", check_failed ? "FAIL" : "ok", name);
	return check_failed;
}

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
