#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xencall.h>

#include "table.h"

/* Of structures and lists; both lie in memory that stays where it is during a hypercall. */
#define LIST_BYTES (V4V_RULES_MAX * sizeof(struct v4v_rule_entry))

struct table {
	xencall_handle *xen;
	union {
		struct v4v_info info;
		struct v4v_rule_at at;
		struct v4v_policy policy;
		struct v4v_list_rules list;
		struct v4v_replace_rules replace;
	} *argument;
	void *list;
};

/* Whether this hypervisor has V4V with rules. */
static bool has_rules(struct table *table, bool *absent, struct error *error)
{
	struct v4v_info *info = &table->argument->info;

	*info = (struct v4v_info){.version = V4V_ABI_VERSION};
	if (xencall2(table->xen, __HYPERVISOR_v4v_op, V4VOP_info, (uintptr_t)info) >= 0) {
		if (info->version >= V4V_ABI_VERSION)
			return true;
	} else if (errno != ENOSYS) {
		return error_set(error, "the hypervisor does not tell which V4V it has: %s", strerror(errno));
	} else if (!info->ring_max) {
		/* It writes nothing if there is no such call; another version of V4V fills in what it is. */
		*absent = true;
		return error_set(error, "this hypervisor has no V4V, or was booted without v4v=1 (xl info)");
	}
	return error_set(error, "this hypervisor's V4V is version %u.%u, needed is %u.%u; boot the one of the testbed",
			 info->version >> 16, info->version & 0xffff, V4V_ABI_VERSION >> 16, V4V_ABI_VERSION & 0xffff);
}

struct table *table_open(bool *absent, struct error *error)
{
	struct table *table = calloc(1, sizeof(*table));

	*absent = false;
	if (!table) {
		error_set(error, "out of memory");
		return NULL;
	}
	table->xen = xencall_open(NULL, 0);
	if (!table->xen) {
		error_set(error, "hypercalls are not possible (%s); is this dom0, and are you root?", strerror(errno));
		free(table);
		return NULL;
	}
	table->argument = xencall_alloc_buffer(table->xen, sizeof(*table->argument));
	table->list = xencall_alloc_buffer(table->xen, LIST_BYTES);
	if (!table->argument || !table->list) {
		error_set(error, "no memory for hypercalls: %s", strerror(errno));
		table_close(table);
		return NULL;
	}
	if (!has_rules(table, absent, error)) {
		table_close(table);
		return NULL;
	}
	return table;
}

void table_close(struct table *table)
{
	if (table->argument)
		xencall_free_buffer(table->xen, table->argument);
	if (table->list)
		xencall_free_buffer(table->xen, table->list);
	xencall_close(table->xen);
	free(table);
}

static bool call(struct table *table, unsigned int operation, struct error *error)
{
	int why;

	if (xencall2(table->xen, __HYPERVISOR_v4v_op, operation, (uintptr_t)table->argument) >= 0)
		return true;
	why = errno;
	switch (why) {
	case EPERM:
		error_set(error, "the hypervisor lets only dom0 see and change rules");
		break;
	case ENOENT:
		error_set(error, "there is no such rule; viptables -L shows which there are");
		break;
	case ENOSPC:
		error_set(error, "the table is full: it holds %u rules", V4V_RULES_MAX);
		break;
	case ESRCH:
		error_set(error, "a domain that the rule names does not run (any more); xl list shows those that do");
		break;
	default:
		error_set(error, "the hypervisor refuses: %s", strerror(why));
	}
	errno = why;
	return false;
}

static bool page(struct table *table, uint32_t first, struct error *error)
{
	table->argument->list = (struct v4v_list_rules){
		.first = first,
		.nr = V4V_RULES_MAX,
		.entries = (uintptr_t)table->list,
	};
	return call(table, V4VOP_list_rules, error);
}

bool table_list(struct table *table, struct listing *listing, struct error *error)
{
	const struct v4v_list_rules *list = &table->argument->list;

	/* As long as the table has no more rules than this program knows of, one page is all. */
	if (!page(table, 0, error))
		return false;
	if (list->total > V4V_RULES_MAX || list->nr != list->total)
		return error_set(error, "the hypervisor has %u rules, this program knows of %u at most", list->total,
				 V4V_RULES_MAX);
	listing->policy = (uint16_t)list->policy;
	listing->policy_packets = list->policy_packets;
	listing->policy_bytes = list->policy_bytes;
	listing->count = list->nr;
	memcpy(listing->entries, table->list, list->nr * sizeof(listing->entries[0]));
	return true;
}

static bool at(struct table *table, unsigned int operation, const struct v4v_rule *rule, uint32_t position,
	       struct error *error)
{
	table->argument->at = (struct v4v_rule_at){.rule = *rule, .position = position};
	return call(table, operation, error);
}

bool table_insert(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error)
{
	return at(table, V4VOP_insert_rule, rule, position, error);
}

bool table_delete(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error)
{
	return at(table, V4VOP_delete_rule, rule, position, error);
}

bool table_flush(struct table *table, struct error *error)
{
	return call(table, V4VOP_flush_rules, error);
}

bool table_zero(struct table *table, struct error *error)
{
	return call(table, V4VOP_zero_rules, error);
}

bool table_policy(struct table *table, uint16_t policy, struct error *error)
{
	table->argument->policy = (struct v4v_policy){.target = policy};
	return call(table, V4VOP_set_policy, error);
}

bool table_replace(struct table *table, const struct v4v_rule *rules, uint32_t count, uint16_t policy, bool *died,
		   struct error *error)
{
	bool done;

	memcpy(table->list, rules, count * sizeof(*rules));
	table->argument->replace = (struct v4v_replace_rules){
		.nr = count,
		.policy = policy,
		.rules = (uintptr_t)table->list,
	};
	done = call(table, V4VOP_replace_rules, error);
	*died = !done && errno == ESRCH;
	return done;
}
