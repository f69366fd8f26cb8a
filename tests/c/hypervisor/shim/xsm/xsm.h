/* The security module: what it is asked, and what it says (xsm.c). */
#ifndef SHIM_XSM_XSM_H
#define SHIM_XSM_XSM_H

#include <xen/sched.h>

typedef enum xsm_default { XSM_HOOK, XSM_PRIV } xsm_default_t;

int xsm_v4v_register_any(xsm_default_t action, const struct domain *d);
int xsm_v4v_register_single(xsm_default_t action, const struct domain *d, const struct domain *t);
int xsm_v4v_send(xsm_default_t action, const struct domain *d, const struct domain *t);
int xsm_v4v_rules(xsm_default_t action, bool change);

#endif
