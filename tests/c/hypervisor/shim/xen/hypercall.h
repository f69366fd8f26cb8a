#ifndef SHIM_XEN_HYPERCALL_H
#define SHIM_XEN_HYPERCALL_H

#include <xen/guest_access.h>

long do_v4v_op(unsigned int cmd, XEN_GUEST_HANDLE_PARAM(void) arg);

#endif
