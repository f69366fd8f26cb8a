/* Each test starts with a fresh kernel and hypervisor; what it leaves behind fails it. */
#ifndef TEST_H
#define TEST_H

#include "hypervisor.h"
#include "units.h"

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

#endif
