/* Stand-ins for XenStore, the hypervisor's table and the lock: in memory, and as the test wants them. */
#ifndef XEN_H
#define XEN_H

#include "names.h"
#include "run.h"
#include "table.h"

extern struct xen {
	/* What XenStore says of domains, `count` of them. */
	struct domain_name domains[8];
	size_t count;
	struct listing table;
	/* Number of the domain that dies while the table is being replaced, for the first time; 0 for none. */
	uint16_t dies;
	unsigned int opened, locked, changes;
	bool no_store, no_hypercalls, no_v4v, busy;
} xen;

/* dom0, domu1 (3) and domu2 (7); an empty table that accepts. */
void xen_start(void);
/* Runs a command line of words between blanks. Its output stays until the next call. */
int call(const char *line);
extern char *printed, *complained;
/* A file of rules with this content, whose path is returned. */
const char *file_of(const char *content, size_t length);
void file_gone(void);

#endif
