/* Command lines from beginning to end, on a table that a stand-in keeps. */
#include <string.h>

#include "units.h"
#include "xen.h"

#define CHECK_DONE(line) CHECK_EQUAL(call(line), EXIT_DONE)

static int restore(const char *content, const char *options)
{
	char line[256];

	snprintf(line, sizeof(line), "--restore %s %s", file_of(content, strlen(content)), options);
	return call(line);
}

static void check_saved(const char *expected)
{
	CHECK_DONE("--save");
	if (strcmp(printed, expected) != 0) {
		printf("# saved:\n%s# expected:\n%s", printed, expected);
		check_failed = true;
	}
}

static void rules_are_added_and_deleted(void)
{
	xen_start();
	CHECK_DONE("-A -s domu1 -d domu2:1 -j drop");
	CHECK_DONE("-A -s 7 -d dom0 -j accept");
	CHECK_DONE("-I -s any:1024 -j drop");
	CHECK_DONE("-I 2 -d 0:4294967295 -j accept");
	check_saved("-P ACCEPT\n"
		    "-A -s any:1024 -d any -j DROP\n"
		    "-A -s any -d dom0:4294967295 -j ACCEPT\n"
		    "-A -s domu1 -d domu2:1 -j DROP\n"
		    "-A -s domu2 -d dom0 -j ACCEPT\n");
	CHECK_DONE("-D 2");
	CHECK_DONE("-D -s 3 -d 7:1 -j drop");
	CHECK_DONE("-P drop");
	check_saved("-P DROP\n"
		    "-A -s any:1024 -d any -j DROP\n"
		    "-A -s domu2 -d dom0 -j ACCEPT\n");
	CHECK_DONE("-F");
	check_saved("-P DROP\n");
	CHECK_EQUAL(call("-D 1"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "viptables: there is no such rule");
}

static void the_list_shows_counters_names_and_numbers(void)
{
	xen_start();
	CHECK_DONE("-A -s domu1 -d domu2:1 -j drop");
	xen.table.entries[0].packets = 12;
	xen.table.entries[0].bytes = 18446744073709551615ul;
	xen.table.policy_packets = 3;
	xen.table.policy_bytes = 400;
	CHECK_DONE("-L");
	CHECK_HOLDS(printed, "policy ACCEPT: 3 packets, 400 bytes\n");
	CHECK_HOLDS(printed, "  1           12 18446744073709551615 DROP   domu1                    domu2:1\n");
	CHECK_DONE("-L -n");
	CHECK_HOLDS(printed, "DROP   3                        7:1\n");
	CHECK_DONE("-L -v");
	CHECK_HOLDS(printed, "domu2:1 (3 > 7:1)\n");
	CHECK_DONE("-Z");
	CHECK_DONE("-L");
	CHECK_HOLDS(printed, "policy ACCEPT: 0 packets, 0 bytes\n");
}

static void looking_takes_no_lock_and_changes_nothing(void)
{
	xen_start();
	xen.busy = true;
	CHECK_DONE("-L");
	CHECK_DONE("--save");
	CHECK_EQUAL(restore("-P drop\n", "--test"), EXIT_DONE);
	CHECK_DONE("--help");
	CHECK_EQUAL(xen.changes + xen.locked, 0);
	CHECK_EQUAL(call("-F"), EXIT_REFUSED);
	CHECK_EQUAL(restore("-P drop\n", ""), EXIT_REFUSED);
	CHECK_EQUAL(xen.changes, 0);
}

static void names_that_mean_nothing_or_two_things_are_refused(void)
{
	xen_start();
	xen.domains[3] = (struct domain_name){9, "twice"};
	xen.domains[4] = (struct domain_name){10, "twice"};
	xen.count = 5;
	CHECK_EQUAL(call("-A -s domu3 -j drop"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "no domain \"domu3\" runs; xl list");
	CHECK_EQUAL(call("-A -s 8 -j drop"), EXIT_REFUSED);
	CHECK_EQUAL(call("-A -s 99999 -j drop"), EXIT_REFUSED);
	CHECK_EQUAL(call("-A -s 32756 -j drop"), EXIT_REFUSED);
	CHECK_EQUAL(call("-A -s twice -j drop"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "more than one domain is called \"twice\"");
	CHECK_EQUAL(xen.changes, 0);
	CHECK_DONE("-A -s 9 -j drop");
	check_saved("-P ACCEPT\n-A -s 9 -d any -j DROP\n");
}

/* Names that would be read as something else are not written. */
static void names_that_pretend_are_shown_as_numbers(void)
{
	static const char *const names[] = {"any", "7", "dom0", "Domain-0", "", "a b", "-j"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		xen_start();
		strcpy(xen.domains[1].name, names[i]);
		CHECK_DONE("-A -s 3 -j drop");
		check_saved("-P ACCEPT\n-A -s 3 -d any -j DROP\n");
		CHECK_DONE("-A -d any -s dom0 -j drop");
		CHECK_EQUAL(xen.table.entries[1].rule.src_domid, 0);
	}
}

static void restore_replaces_the_table_as_it_was_saved(void)
{
	static const char saved[] = "-P DROP\n"
				    "-A -s any:1024 -d any -j DROP\n"
				    "-A -s domu1 -d dom0:7 -j ACCEPT\n";

	xen_start();
	CHECK_DONE("-A -s domu2 -j drop");
	CHECK_EQUAL(restore(saved, ""), EXIT_DONE);
	check_saved(saved);
	CHECK_EQUAL(xen.changes, 2);
	CHECK_EQUAL(restore("# none\n\n \t# at all\n  -P   accept \t\n", ""), EXIT_DONE);
	check_saved("-P ACCEPT\n");
}

static void rules_for_domains_that_do_not_run_are_left_out_if_asked_for(void)
{
	static const char rules[] = "-P accept\n-A -s domu9 -j drop\n-A -d domu1 -j drop\n-A -d domu9:5 -j drop\n";

	xen_start();
	CHECK_EQUAL(restore(rules, ""), EXIT_REFUSED);
	CHECK_HOLDS(complained, "line 2: no domain \"domu9\" runs");
	CHECK_HOLDS(complained, "--skip-absent");
	CHECK_EQUAL(xen.changes, 0);
	xen.opened = 0;
	CHECK_EQUAL(restore(rules, "--skip-absent --test"), EXIT_DONE);
	CHECK(strcmp(printed, "-P ACCEPT\n-A -s any -d domu1 -j DROP\n") == 0);
	CHECK_EQUAL(xen.changes + xen.opened, 0);
	CHECK_EQUAL(restore(rules, "--skip-absent"), EXIT_DONE);
	check_saved("-P ACCEPT\n-A -s any -d domu1 -j DROP\n");
	/* The same file, once that domain runs. */
	xen.domains[xen.count++] = (struct domain_name){31, "domu9"};
	CHECK_EQUAL(restore(rules, "--skip-absent"), EXIT_DONE);
	check_saved("-P ACCEPT\n-A -s domu9 -d any -j DROP\n-A -s any -d domu1 -j DROP\n-A -s any -d domu9:5 -j DROP\n");
}

static void a_domain_that_dies_meanwhile_is_looked_for_again(void)
{
	static const char rules[] = "-P accept\n-A -s domu1 -j drop\n-A -s domu2 -j drop\n";

	xen_start();
	xen.dies = 3;
	CHECK_EQUAL(restore(rules, "--skip-absent"), EXIT_DONE);
	check_saved("-P ACCEPT\n-A -s domu2 -d any -j DROP\n");
	xen_start();
	xen.dies = 3;
	CHECK_EQUAL(restore(rules, ""), EXIT_REFUSED);
	CHECK_EQUAL(xen.changes, 0);
}

static void files_that_make_no_sense_change_nothing(void)
{
	static const struct {
		const char *content, *why;
	} files[] = {
		{"", "the policy is missing"},
		{"-A -j drop\n", "the policy is missing"},
		{"-P accept\n-P drop\n", "line 2: the policy is given twice"},
		{"-P accept\n-A -s a\n", "line 2: what becomes of the messages is missing"},
		{"-P accept\n-A -s a b -j drop\n", "line 2: \"b\" is no option"},
		{"-P accept\n-F\n", "line 2: only -P and -A"},
		{"-P accept\n--restore x\n", "line 2: only -P and -A"},
		{"-P accept\n-L -n\n", "line 2: only -P and -A"},
		{"-P accept\n-A -j drop", "line 2 does not end"},
		{"-P accept\n-A -A -A -A -A -A -A -A -A -A -A -A -A -A -A -A -A -A -A -A\n", "more than 16 words"},
	};

	xen_start();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CHECK_EQUAL(restore(files[i].content, ""), EXIT_USAGE);
		CHECK_HOLDS(complained, files[i].why);
	}
	CHECK_EQUAL(call("--restore /nonexistent/rules"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "/nonexistent/rules: No such file");
	CHECK_EQUAL(xen.changes + xen.locked, 0);
}

static void a_file_holds_as_many_rules_as_the_table(void)
{
	static char content[64 * 1024];
	size_t used = (size_t)sprintf(content, "-P accept\n");

	xen_start();
	for (unsigned int i = 0; i < V4V_RULES_MAX; i++)
		used += (size_t)sprintf(content + used, "-A -s domu1 -d domu2:%u -j drop\n", i);
	CHECK_EQUAL(restore(content, ""), EXIT_DONE);
	CHECK_EQUAL(xen.table.count, V4V_RULES_MAX);
	CHECK_EQUAL(xen.table.entries[255].rule.dst_port, 255);
	strcpy(content + used, "-A -j drop\n");
	CHECK_EQUAL(restore(content, ""), EXIT_USAGE);
	CHECK_HOLDS(complained, "line 258: more than 256 rules");
}

static void without_xen_it_says_so(void)
{
	xen_start();
	xen.no_store = true;
	CHECK_EQUAL(call("-L"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "viptables: no XenStore\n");
	xen_start();
	xen.no_hypercalls = true;
	CHECK_EQUAL(call("-F"), EXIT_REFUSED);
	CHECK_HOLDS(complained, "viptables: no hypercalls\n");
	/* An error that scripts tell from others: there is nothing that rules could let through. */
	xen_start();
	xen.no_v4v = true;
	CHECK_EQUAL(call("-L"), EXIT_ABSENT);
	CHECK_EQUAL(restore("-P drop\n", ""), EXIT_ABSENT);
	CHECK_HOLDS(complained, "viptables: no V4V\n");
	CHECK_EQUAL(call("-X"), EXIT_USAGE);
	CHECK_DONE("--help");
	CHECK_HOLDS(printed, "Exit code: 0 done");
}

int main(void)
{
	int failed = RUN(rules_are_added_and_deleted) | RUN(the_list_shows_counters_names_and_numbers) |
		     RUN(looking_takes_no_lock_and_changes_nothing) | RUN(names_that_mean_nothing_or_two_things_are_refused) |
		     RUN(names_that_pretend_are_shown_as_numbers) | RUN(restore_replaces_the_table_as_it_was_saved) |
		     RUN(rules_for_domains_that_do_not_run_are_left_out_if_asked_for) |
		     RUN(a_domain_that_dies_meanwhile_is_looked_for_again) | RUN(files_that_make_no_sense_change_nothing) |
		     RUN(a_file_holds_as_many_rules_as_the_table) | RUN(without_xen_it_says_so);

	/* The last file goes. */
	file_gone();
	return failed;
}
