#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "names.h"
#include "ruleset.h"
#include "show.h"
#include "table.h"

/* A file of rules is far shorter: 256 lines. */
#define MAX_FILE (256u * 1024)
/* Domains that die between the reading of names and the replacement of the table: one after the other is unlikely. */
#define MAX_DEATHS 20

static const char help[] =
	"viptables: which V4V messages the hypervisor takes (in dom0, as root)\n"
	"\n"
	"  viptables -L [-n] [-v]                      list policy, rules and their counters\n"
	"  viptables -A [-s FROM] [-d TO] -j TARGET    append a rule\n"
	"  viptables -I [N] [-s FROM] [-d TO] -j TARGET  insert a rule at N, by default at 1\n"
	"  viptables -D N                              delete rule N\n"
	"  viptables -D [-s FROM] [-d TO] -j TARGET    delete the first rule that says this\n"
	"  viptables -F                                delete all rules; the policy stays\n"
	"  viptables -P TARGET                         what becomes of messages that match no rule\n"
	"  viptables -Z                                set all counters to zero\n"
	"  viptables --save [-n]                       print the table as --restore takes it\n"
	"  viptables --restore FILE [--skip-absent] [--test]\n"
	"                                              replace the whole table in one step; - is standard input\n"
	"\n"
	"TARGET is accept or drop; a dropped send fails at once with EACCES. FROM and TO are DOMAIN or DOMAIN:PORT,\n"
	"by default any. DOMAIN is any, dom0, the name of a domain that runs, or its number. The first rule that\n"
	"matches decides. PORT is that of a V4V ring, not of AF_VSOCK: 1 is the control ring by which connections\n"
	"are made, 1024 and up are data rings, numbered at random; 2147483648 + P is datagram port P of AF_VSOCK.\n"
	"A source's port is what the sender says.\n"
	"A rule ends with the domain that it names; --restore brings it back for the next one of that name.\n"
	"\n"
	"  -n, --numeric    numbers of domains instead of names\n"
	"  -v, --verbose    both\n"
	"  --skip-absent    leave out rules that name a domain which does not run\n"
	"  -t, --test       print what would be restored, change nothing\n"
	"\n"
	"Long forms: --list --append --insert --delete --flush --policy --zero --source --destination --jump --help.\n"
	"Exit code: 0 done, 1 refused by Xen or the system, 2 the command or the file makes no sense, 3 Xen has no V4V.\n";

struct session {
	struct command command;
	FILE *out, *err;
	struct names names;
	struct table *table;
	struct error error;
};

static int failed(struct session *session, int code)
{
	fprintf(session->err, "viptables: %s\n", session->error.text);
	return code;
}

static int refused(struct session *session)
{
	return failed(session, EXIT_REFUSED);
}

static int list(struct session *session)
{
	static struct listing listing;
	const struct names *names = session->command.numeric ? NULL : &session->names;

	if (!table_list(session->table, &listing, &session->error))
		return refused(session);
	if (session->command.operation == OP_SAVE)
		show_saved(session->out, listing.policy, &listing.entries[0].rule, sizeof(listing.entries[0]), listing.count,
			   names);
	else
		show_listing(session->out, &listing, names, session->command.verbose);
	return EXIT_DONE;
}

static int change(struct session *session)
{
	const struct command *command = &session->command;
	struct error *error = &session->error;
	struct v4v_rule rule = {0};
	bool absent, done;

	if (command->operation == OP_APPEND || command->operation == OP_INSERT ||
	    (command->operation == OP_DELETE && !command->position))
		if (!names_resolve(&session->names, &command->rule, &rule, &absent, error))
			return refused(session);
	switch (command->operation) {
	case OP_APPEND:
		done = table_insert(session->table, &rule, V4V_RULE_END, error);
		break;
	case OP_INSERT:
		done = table_insert(session->table, &rule, command->position - 1, error);
		break;
	case OP_DELETE:
		done = table_delete(session->table, &rule, command->position ? command->position - 1 : V4V_RULE_MATCH,
				    error);
		break;
	case OP_FLUSH:
		done = table_flush(session->table, error);
		break;
	case OP_ZERO:
		done = table_zero(session->table, error);
		break;
	default:
		done = table_policy(session->table, command->policy, error);
	}
	return done ? EXIT_DONE : refused(session);
}

/* False: cannot be read. */
static bool read_file(const char *path, char *text, size_t *length, struct error *error)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool failed;

	if (!file)
		return error_set(error, "%s: %s", path, strerror(errno));
	*length = fread(text, 1, MAX_FILE, file);
	failed = ferror(file);
	if (file != stdin)
		fclose(file);
	if (failed)
		return error_set(error, "%s cannot be read: %s", path, strerror(errno));
	if (*length == MAX_FILE)
		return error_set(error, "%s is longer than %u bytes: no file of rules", path, MAX_FILE);
	return true;
}

/* The rules for the domains that run now; 0 or an exit code. */
static int resolve(struct session *session, const struct ruleset *set, struct v4v_rule *rules, uint32_t *count)
{
	*count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		struct error why;
		bool absent;

		if (names_resolve(&session->names, &set->rules[i], &rules[*count], &absent, &why)) {
			(*count)++;
			continue;
		}
		if (absent && session->command.skip_absent) {
			if (session->command.verbose)
				fprintf(session->err, "viptables: line %u left out: %s\n", set->lines[i], why.text);
			continue;
		}
		error_set(&session->error, "%s: line %u: %s%s", session->command.file, set->lines[i], why.text,
			  absent ? "; --skip-absent leaves such rules out" : "");
		return refused(session);
	}
	return EXIT_DONE;
}

static int replace(struct session *session, const struct ruleset *set)
{
	static struct v4v_rule rules[V4V_RULES_MAX];
	uint32_t count;

	for (unsigned int tries = 0;; tries++) {
		int code = resolve(session, set, rules, &count);
		bool died;

		if (code)
			return code;
		if (session->command.test) {
			show_saved(session->out, set->policy, rules, sizeof(rules[0]), count,
				   session->command.numeric ? NULL : &session->names);
			return EXIT_DONE;
		}
		if (table_replace(session->table, rules, count, set->policy, &died, &session->error))
			return EXIT_DONE;
		if (!died || tries == MAX_DEATHS)
			return refused(session);
		names_free(&session->names);
		if (!names_read(&session->names, &session->error))
			return refused(session);
	}
}

static int with_xen(struct session *session, const struct ruleset *set)
{
	const struct command *command = &session->command;
	bool changes = command->operation != OP_LIST && command->operation != OP_SAVE && !command->test;
	bool absent = false;
	int code;

	if ((changes && !lock_take(&session->error)) || !names_read(&session->names, &session->error))
		return refused(session);
	if (!command->test)
		session->table = table_open(&absent, &session->error);
	if (!command->test && !session->table)
		code = failed(session, absent ? EXIT_ABSENT : EXIT_REFUSED);
	else if (command->operation == OP_RESTORE)
		code = replace(session, set);
	else if (changes)
		code = change(session);
	else
		code = list(session);
	if (session->table)
		table_close(session->table);
	names_free(&session->names);
	return code;
}

static int restore(struct session *session)
{
	struct ruleset *set = malloc(sizeof(*set));
	char *text = malloc(MAX_FILE);
	size_t length = 0;
	int code;

	if (!set || !text) {
		error_set(&session->error, "out of memory");
		code = refused(session);
	} else if (!read_file(session->command.file, text, &length, &session->error)) {
		code = refused(session);
	} else if (!ruleset_parse(set, session->command.file, text, length, &session->error)) {
		code = failed(session, EXIT_USAGE);
	} else {
		code = with_xen(session, set);
	}
	free(text);
	free(set);
	return code;
}

int run(int count, const char *const words[], FILE *out, FILE *err)
{
	struct session session = {.out = out, .err = err};
	int code;

	if (!command_parse(&session.command, count, words, &session.error))
		return failed(&session, EXIT_USAGE);
	switch (session.command.operation) {
	case OP_HELP:
		fputs(help, out);
		code = EXIT_DONE;
		break;
	case OP_RESTORE:
		code = restore(&session);
		break;
	default:
		code = with_xen(&session, NULL);
	}
	if (fflush(out) && !code) {
		error_set(&session.error, "the output cannot be written: %s", strerror(errno));
		code = refused(&session);
	}
	return code;
}
