/* The CPU that runs is the test's to choose. */
#ifndef SHIM_XEN_SMP_H
#define SHIM_XEN_SMP_H

#include <xen/lib.h>

#define smp_processor_id() (machine.cpu)

#endif
