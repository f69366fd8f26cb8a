/* Security modules: without one of the test's own the answers are those of Xen's dummy. */
#include <errno.h>
#include <stddef.h>

#include <xsm/xsm.h>

#include "machine.h"

static int ask(enum xsm_hook hook, xsm_default_t action, xsm_default_t expected, const struct domain *d,
	       const struct domain *t)
{
	struct domain *caller = current->domain;

	/* A build without XSM does not link then. */
	if (action != expected)
		violation("hook %d is called as for other callers", hook);
	if (d != caller)
		violation("hook %d is asked about another domain than the caller", hook);
	if (t && !t->rcu_references)
		violation("hook %d is given a domain that nothing keeps", hook);
	if (machine.xsm)
		return machine.xsm(hook, d, t);
	return expected == XSM_PRIV && !is_control_domain(caller) ? -EPERM : 0;
}

int xsm_v4v_register_any(xsm_default_t action, const struct domain *d)
{
	return ask(XSM_REGISTER_ANY, action, XSM_HOOK, d, NULL);
}

int xsm_v4v_register_single(xsm_default_t action, const struct domain *d, const struct domain *t)
{
	return ask(XSM_REGISTER_SINGLE, action, XSM_HOOK, d, t);
}

int xsm_v4v_send(xsm_default_t action, const struct domain *d, const struct domain *t)
{
	return ask(XSM_SEND, action, XSM_HOOK, d, t);
}

int xsm_v4v_rules(xsm_default_t action, bool change)
{
	return ask(change ? XSM_CHANGE_RULES : XSM_LIST_RULES, action, XSM_PRIV, current->domain, NULL);
}
