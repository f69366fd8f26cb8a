/* The call ends in a stand-in for the hypervisor (hypervisor.c). */
#ifndef SHIM_ASM_XEN_HYPERCALL_H
#define SHIM_ASM_XEN_HYPERCALL_H

long hypervisor_call(unsigned int op, void *arg);

#define _hypercall2(type, name, op, arg) ((type)hypervisor_call(op, arg))

#endif
