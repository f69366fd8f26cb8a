/* The hypercalls of viptables (table_xen.c), on a libxencall whose hypervisor answers as each test wants. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xencall.h>

#include "names.h"
#include "table.h"
#include "units.h"

static struct {
	/* Answers: of V4VOP_info, and of whatever comes after it. An error is an errno, 0 is success. */
	int info_error, error;
	uint32_t version;
	/* What was asked for last. */
	unsigned int operation, calls;
	union {
		struct v4v_rule_at at;
		struct v4v_policy policy;
		struct v4v_list_rules list;
		struct v4v_replace_rules replace;
	} argument;
	struct v4v_rule rules[V4V_RULES_MAX];
	uint32_t total;
	/* Buffers and handles that are still open. */
	int open;
	bool no_handle;
	unsigned int failing_buffer;
} hypervisor;

static struct error error;

static void hypervisor_start(void)
{
	memset(&hypervisor, 0, sizeof(hypervisor));
	hypervisor.version = V4V_ABI_VERSION;
	error.text[0] = '\0';
}

xencall_handle *xencall_open(void *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	if (hypervisor.no_handle) {
		errno = ENOENT;
		return NULL;
	}
	hypervisor.open++;
	return (xencall_handle *)&hypervisor;
}

int xencall_close(xencall_handle *handle)
{
	CHECK((void *)handle == &hypervisor);
	hypervisor.open--;
	return 0;
}

void *xencall_alloc_buffer(xencall_handle *handle, size_t size)
{
	CHECK((void *)handle == &hypervisor);
	if (hypervisor.failing_buffer && !--hypervisor.failing_buffer) {
		errno = ENOMEM;
		return NULL;
	}
	hypervisor.open++;
	return malloc(size);
}

void xencall_free_buffer(xencall_handle *handle, void *buffer)
{
	CHECK((void *)handle == &hypervisor);
	hypervisor.open--;
	free(buffer);
}

static int answer(int result)
{
	errno = result;
	return result ? -1 : 0;
}

static void list(struct v4v_list_rules *asked)
{
	struct v4v_rule_entry *entries = (struct v4v_rule_entry *)(uintptr_t)asked->entries;
	uint32_t room = asked->nr;

	for (asked->nr = 0; asked->nr < room && asked->first + asked->nr < hypervisor.total; asked->nr++)
		entries[asked->nr] = (struct v4v_rule_entry){
			.rule.dst_domid = (uint16_t)asked->nr,
			.packets = asked->nr + 1,
			.bytes = UINT64_MAX,
		};
	asked->total = hypervisor.total;
	asked->max = V4V_RULES_MAX;
	asked->policy = V4V_DROP;
	asked->policy_packets = 5;
	asked->policy_bytes = 6;
}

int xencall2(xencall_handle *handle, unsigned int op, uint64_t operation, uint64_t address)
{
	void *argument = (void *)(uintptr_t)address;

	CHECK((void *)handle == &hypervisor);
	CHECK_EQUAL(op, __HYPERVISOR_v4v_op);
	if (operation == V4VOP_info) {
		struct v4v_info *info = argument;

		CHECK_EQUAL(info->version, V4V_ABI_VERSION);
		if (hypervisor.version)
			*info = (struct v4v_info){.version = hypervisor.version, .ring_max = V4V_RING_MAX};
		return answer(hypervisor.info_error);
	}
	hypervisor.operation = (unsigned int)operation;
	hypervisor.calls++;
	switch (operation) {
	case V4VOP_insert_rule:
	case V4VOP_delete_rule:
		memcpy(&hypervisor.argument.at, argument, sizeof(struct v4v_rule_at));
		break;
	case V4VOP_set_policy:
		memcpy(&hypervisor.argument.policy, argument, sizeof(struct v4v_policy));
		break;
	case V4VOP_replace_rules:
		memcpy(&hypervisor.argument.replace, argument, sizeof(struct v4v_replace_rules));
		memcpy(hypervisor.rules, (void *)(uintptr_t)hypervisor.argument.replace.rules,
		       hypervisor.argument.replace.nr * sizeof(struct v4v_rule));
		break;
	case V4VOP_list_rules:
		if (!hypervisor.error)
			list(argument);
	}
	return answer(hypervisor.error);
}

static struct table *opened(void)
{
	bool absent = true;
	struct table *table;

	hypervisor_start();
	table = table_open(&absent, &error);
	CHECK(table && !absent);
	return table;
}

static void finish(struct table *table)
{
	table_close(table);
	CHECK_EQUAL(hypervisor.open, 0);
}

static void check_refused(bool wanted, const char *why)
{
	bool absent = !wanted;

	CHECK(!table_open(&absent, &error));
	CHECK_EQUAL(absent, wanted);
	if (!strstr(error.text, why)) {
		printf("# \"%s\" does not hold \"%s\"\n", error.text, why);
		check_failed = true;
	}
	CHECK_EQUAL(hypervisor.open, 0);
	CHECK_EQUAL(hypervisor.calls, 0);
}

/* Only where nothing can be sent rules may be done without: all else is an error of another kind. */
static void a_hypervisor_without_v4v_is_told_from_all_other_failures(void)
{
	hypervisor_start();
	hypervisor.info_error = ENOSYS;
	hypervisor.version = 0;
	check_refused(true, "this hypervisor has no V4V");

	hypervisor_start();
	hypervisor.info_error = ENOSYS;
	hypervisor.version = 0x00020003;
	check_refused(false, "version 2.3, needed is 1.1");

	hypervisor_start();
	hypervisor.version = 0x00010000;
	check_refused(false, "version 1.0, needed is 1.1");

	hypervisor_start();
	hypervisor.info_error = EFAULT;
	check_refused(false, "does not tell which V4V it has: Bad address");

	hypervisor_start();
	hypervisor.no_handle = true;
	check_refused(false, "is this dom0, and are you root?");

	for (unsigned int buffer = 1; buffer <= 2; buffer++) {
		hypervisor_start();
		hypervisor.failing_buffer = buffer;
		check_refused(false, "no memory for hypercalls");
	}
}

static void each_change_is_its_call(void)
{
	const struct v4v_rule rules[] = {
		{.src_domid = 3, .dst_domid = 7, .target = V4V_DROP},
		{.src_domid = V4V_ANY, .dst_domid = 0, .dst_port = 9, .flags = V4V_RULE_DST_PORT},
	};
	struct table *table = opened();
	bool died = true;

	CHECK(table_insert(table, &rules[1], V4V_RULE_END, &error));
	CHECK_EQUAL(hypervisor.operation, V4VOP_insert_rule);
	CHECK_EQUAL(hypervisor.argument.at.position, V4V_RULE_END);
	CHECK(memcmp(&hypervisor.argument.at.rule, &rules[1], sizeof(rules[1])) == 0);
	CHECK(table_delete(table, &rules[0], 4, &error));
	CHECK_EQUAL(hypervisor.operation, V4VOP_delete_rule);
	CHECK_EQUAL(hypervisor.argument.at.position, 4);
	CHECK_EQUAL(hypervisor.argument.at.reserved, 0);
	CHECK(table_flush(table, &error));
	CHECK_EQUAL(hypervisor.operation, V4VOP_flush_rules);
	CHECK(table_zero(table, &error));
	CHECK_EQUAL(hypervisor.operation, V4VOP_zero_rules);
	CHECK(table_policy(table, V4V_DROP, &error));
	CHECK_EQUAL(hypervisor.operation, V4VOP_set_policy);
	CHECK_EQUAL(hypervisor.argument.policy.target, V4V_DROP);
	CHECK_EQUAL(hypervisor.argument.policy.reserved, 0);
	CHECK(table_replace(table, rules, 2, V4V_DROP, &died, &error));
	CHECK(!died);
	CHECK_EQUAL(hypervisor.operation, V4VOP_replace_rules);
	CHECK_EQUAL(hypervisor.argument.replace.nr, 2);
	CHECK_EQUAL(hypervisor.argument.replace.policy, V4V_DROP);
	CHECK_EQUAL(hypervisor.argument.replace.flags + hypervisor.argument.replace.reserved, 0);
	CHECK(memcmp(hypervisor.rules, rules, sizeof(rules)) == 0);
	finish(table);
}

static void the_whole_table_is_listed(void)
{
	static struct listing listing;
	struct table *table = opened();

	for (uint32_t total = 0; total <= V4V_RULES_MAX; total += V4V_RULES_MAX / 2) {
		hypervisor.total = total;
		CHECK(table_list(table, &listing, &error));
		CHECK_EQUAL(listing.count, total);
		CHECK(listing.policy == V4V_DROP && listing.policy_packets == 5 && listing.policy_bytes == 6);
		for (uint32_t i = 0; i < total; i++)
			CHECK(listing.entries[i].rule.dst_domid == i && listing.entries[i].packets == i + 1);
	}
	/* A later hypervisor: half a table must not be saved as if it were one. */
	hypervisor.total = V4V_RULES_MAX + 1;
	CHECK(!table_list(table, &listing, &error));
	CHECK(strstr(error.text, "has 257 rules, this program knows of 256"));
	finish(table);
}

static void a_refusal_is_put_in_words(void)
{
	static const struct {
		int error;
		const char *why;
	} refusals[] = {
		{EPERM, "lets only dom0"},	{ENOENT, "there is no such rule"},   {ENOSPC, "the table is full: it holds 256"},
		{ESRCH, "does not run (any more)"}, {ENOMEM, "the hypervisor refuses: "}, {EINVAL, "the hypervisor refuses: "},
	};
	const struct v4v_rule rule = {.target = V4V_DROP};
	struct table *table = opened();

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		bool died;

		hypervisor.error = refusals[i].error;
		CHECK(!table_insert(table, &rule, 0, &error));
		CHECK(strstr(error.text, refusals[i].why));
		/* Names are looked up again for this one alone. */
		CHECK(!table_replace(table, &rule, 1, V4V_ACCEPT, &died, &error));
		CHECK_EQUAL(died, refusals[i].error == ESRCH);
	}
	finish(table);
}

int main(void)
{
	TESTS_BEGIN;
	return RUN(a_hypervisor_without_v4v_is_told_from_all_other_failures) | RUN(each_change_is_its_call) |
	       RUN(the_whole_table_is_listed) | RUN(a_refusal_is_put_in_words);
}
