/* What the words of a command line mean, and which make no sense. */
#include <string.h>

#include "command.h"
#include "units.h"

static struct command command;
static struct error error;

static bool parse(const char *line)
{
	static char copy[4096];
	const char *words[64];
	char *rest = copy, *word;
	int count = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	error.text[0] = '\0';
	while ((word = strsep(&rest, " ")) && count < 64)
		if (*word)
			words[count++] = word;
	return command_parse(&command, count, words, &error);
}

static void check_refused(const char *line, const char *why)
{
	CHECK(!parse(line));
	CHECK_HOLDS(error.text, why);
}

static void rules_are_read(void)
{
	CHECK(parse("-A -s domu1 -d domu2:5000 -j drop"));
	CHECK_EQUAL(command.operation, OP_APPEND);
	CHECK(strcmp(command.rule.from.name, "domu1") == 0 && !command.rule.from.has_port);
	CHECK(strcmp(command.rule.to.name, "domu2") == 0 && command.rule.to.has_port);
	CHECK_EQUAL(command.rule.to.port, 5000);
	CHECK_EQUAL(command.rule.target, V4V_DROP);
	CHECK(parse("--append --jump ACCEPT --destination 7:0 --source any:4294967295"));
	CHECK_EQUAL(command.rule.target, V4V_ACCEPT);
	CHECK_EQUAL(command.rule.from.port, 4294967295u);
	CHECK(command.rule.to.has_port && !command.rule.to.port);
	CHECK(parse("-j Drop -A"));
	CHECK(strcmp(command.rule.from.name, "any") == 0 && strcmp(command.rule.to.name, "any") == 0);
}

static void positions_are_where_iptables_has_them(void)
{
	CHECK(parse("-I -j drop"));
	CHECK_EQUAL(command.position, 1);
	CHECK(parse("-I 12 -s a -j drop"));
	CHECK_EQUAL(command.position, 12);
	CHECK(parse("-D 256"));
	CHECK_EQUAL(command.position, 256);
	CHECK(parse("-D -s a -j accept"));
	CHECK_EQUAL(command.position, 0);
	check_refused("-D 0", "\"0\" is no rule's number; allowed is 1 to 256");
	check_refused("-I 257 -j drop", "allowed is 1 to 256");
	check_refused("-D 1x", "\"1x\" is no rule's number");
	check_refused("-D -1", "\"-1\" is no option");
	check_refused("-D 99999999999999999999", "allowed is 1 to 256");
}

static void other_operations_are_read(void)
{
	CHECK(parse("-L -n -v") && command.operation == OP_LIST && command.numeric && command.verbose);
	CHECK(parse("-F") && command.operation == OP_FLUSH);
	CHECK(parse("-Z") && command.operation == OP_ZERO);
	CHECK(parse("-P DROP") && command.operation == OP_POLICY && command.policy == V4V_DROP);
	CHECK(parse("--save") && command.operation == OP_SAVE);
	CHECK(parse("--restore - --skip-absent --test") && command.operation == OP_RESTORE && command.skip_absent &&
	      command.test && strcmp(command.file, "-") == 0);
	CHECK(parse("--help") && command.operation == OP_HELP);
}

static void what_makes_no_sense_says_why_and_what_next(void)
{
	check_refused("", "viptables --help");
	check_refused("-n", "nothing is asked for");
	check_refused("-A", "-j accept or -j drop");
	check_refused("-D", "-j accept or -j drop");
	check_refused("-A -s", "-s needs DOMAIN[:PORT] behind it");
	check_refused("-A -s -d x -j drop", "\"-d\" is no DOMAIN");
	check_refused("-P", "-P needs accept or drop");
	check_refused("-P reject", "\"reject\" is neither accept nor drop");
	check_refused("-A -j", "-j needs accept or drop");
	check_refused("--restore", "--restore needs a file");
	check_refused("-A -F -j drop", "more than one thing");
	check_refused("-L -L", "more than one thing");
	check_refused("-A -s a -s b -j drop", "-s is given twice");
	check_refused("-A -j drop -j drop", "-j is given twice");
	check_refused("-D 3 -s a", "-D without a number");
	check_refused("-L -j drop", "go with -A, -I");
	check_refused("-F --test", "go with --restore");
	check_refused("--frobnicate", "\"--frobnicate\" is no option of viptables");
	check_refused("domu1", "is no option");
}

static void hostile_names_and_ports_are_refused(void)
{
	static const char *const bad[] = {":", ":5", "a:", "a:b", "a:-1", "a:4294967296", "a:5:6", "a/b", "../x", "a;b",
					  "$(x)", "`x`", "a'b", "a\"b", "a\nb", "\x1b[2J", "\xc3\xa9", "a\\b", "a*",
					  "0123456789012345678901234567890123456789012345678901234567890123", "a: 5", "a:0x5",
					  "a:99999999999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *words[] = {"-A", "-s", bad[i], "-j", "drop"};

		CHECK(!command_parse(&command, 5, words, &error));
		for (const char *c = error.text; *c; c++)
			CHECK(*c >= ' ' && *c <= '~');
	}
	CHECK(parse("-A -j drop -s 012345678901234567890123456789012345678901234567890123456789abc"));
	CHECK(parse("-A -j drop -s A_b.c+d-9"));
}

int main(void)
{
	return RUN(rules_are_read) | RUN(positions_are_where_iptables_has_them) | RUN(other_operations_are_read) |
	       RUN(what_makes_no_sense_says_why_and_what_next) | RUN(hostile_names_and_ports_are_refused);
}
