/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: hooks into the life of a domain.
 */
#ifndef __XEN_V4V_H__
#define __XEN_V4V_H__

struct domain;

#ifdef CONFIG_V4V

/* A domain is created: nothing is allocated that its death would not free. */
int v4v_init(struct domain *d);

/* A domain starts dying or is reset: its rings go, its partners are told. */
void v4v_teardown(struct domain *d);

/* A domain's kernel is replaced in place: as if it had died and come back. */
void v4v_soft_reset(struct domain *d);

/* A domain that was shut down goes on in place: its rings take messages again. */
void v4v_resume(struct domain *d);

/* The last reference to a domain is gone. */
void v4v_free(struct domain *d);

#else /* !CONFIG_V4V */

static inline int v4v_init(struct domain *d)
{
    return 0;
}

static inline void v4v_teardown(struct domain *d)
{
}

static inline void v4v_soft_reset(struct domain *d)
{
}

static inline void v4v_resume(struct domain *d)
{
}

static inline void v4v_free(struct domain *d)
{
}

#endif /* CONFIG_V4V */

#endif /* __XEN_V4V_H__ */
