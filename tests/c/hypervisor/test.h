/* Each test starts with an empty machine and V4V switched on; what it leaves behind fails it. */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/v4v.h>

#include "guest.h"
#include "units.h"

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

#endif
