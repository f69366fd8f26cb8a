/* Each test starts with a fresh kernel and hypervisor; what it leaves behind fails it. */
#ifndef TEST_H
#define TEST_H

#include "check.h"
#include "hypervisor.h"

static inline bool run_test(const char *name, void (*test)(void))
{
	check_failed = false;
	kernel_start();
	hv_start();
	test();
	hv_stop();
	kernel_stop();
	printf("%s %s\n", check_failed ? "FAIL" : "ok", name);
	return check_failed;
}

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
