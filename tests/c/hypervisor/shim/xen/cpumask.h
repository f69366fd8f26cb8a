#ifndef SHIM_XEN_CPUMASK_H
#define SHIM_XEN_CPUMASK_H

#include <xen/lib.h>

#define nr_cpu_ids MAX_CPUS

#endif
