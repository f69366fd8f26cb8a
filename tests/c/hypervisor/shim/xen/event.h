#ifndef SHIM_XEN_EVENT_H
#define SHIM_XEN_EVENT_H

#include <xen/sched.h>

void send_guest_global_virq(struct domain *d, uint32_t virq);

#endif
