#include <xen/sched.h>
