#include "command.h"

#include <string.h>

struct words {
	int count, next;
	const char *const *word;
	/* Options that were given: what they say must fit the operation. */
	bool from, to, target;
};

static bool is(const char *word, const char *letter, const char *name)
{
	return strcmp(word, letter) == 0 || strcmp(word, name) == 0;
}

/* The value that an option needs. */
static bool value(struct words *words, const char **value, const char *what, struct error *error)
{
	if (words->next == words->count)
		return error_set(error, "%s needs %s behind it; see viptables --help", words->word[words->count - 1], what);
	*value = words->word[words->next++];
	return true;
}

/* The number of a rule, if one comes next. */
static bool position(struct words *words, uint32_t *number, struct error *error)
{
	const char *word = words->next < words->count ? words->word[words->next] : "";

	if (*word < '0' || *word > '9')
		return true;
	words->next++;
	if (!number_parse(number, word, 1, V4V_RULES_MAX))
		return error_set(error, "%s is no rule's number; allowed is 1 to %u", shown(word).text, V4V_RULES_MAX);
	return true;
}

static bool once(bool *given, const char *option, struct error *error)
{
	if (*given)
		return error_set(error, "%s is given twice", option);
	*given = true;
	return true;
}

static bool operation(struct command *command, enum operation operation, struct error *error)
{
	if (command->operation != OP_NONE)
		return error_set(error, "more than one thing is asked for; see viptables --help");
	command->operation = operation;
	return true;
}

static bool parse_word(struct command *command, struct words *words, const char *word, struct error *error)
{
	const char *text = NULL;

	if (is(word, "-s", "--source"))
		return once(&words->from, word, error) && value(words, &text, "DOMAIN[:PORT]", error) &&
		       end_parse(&command->rule.from, text, error);
	if (is(word, "-d", "--destination"))
		return once(&words->to, word, error) && value(words, &text, "DOMAIN[:PORT]", error) &&
		       end_parse(&command->rule.to, text, error);
	if (is(word, "-j", "--jump"))
		return once(&words->target, word, error) && value(words, &text, "accept or drop", error) &&
		       target_parse(&command->rule.target, text, error);
	if (is(word, "-n", "--numeric"))
		return command->numeric = true;
	if (is(word, "-v", "--verbose"))
		return command->verbose = true;
	if (is(word, "-t", "--test"))
		return command->test = true;
	if (strcmp(word, "--skip-absent") == 0)
		return command->skip_absent = true;
	if (is(word, "-L", "--list"))
		return operation(command, OP_LIST, error);
	if (is(word, "-A", "--append"))
		return operation(command, OP_APPEND, error);
	if (is(word, "-I", "--insert")) {
		command->position = 1;
		return operation(command, OP_INSERT, error) && position(words, &command->position, error);
	}
	if (is(word, "-D", "--delete"))
		return operation(command, OP_DELETE, error) && position(words, &command->position, error);
	if (is(word, "-F", "--flush"))
		return operation(command, OP_FLUSH, error);
	if (is(word, "-Z", "--zero"))
		return operation(command, OP_ZERO, error);
	if (is(word, "-P", "--policy"))
		return operation(command, OP_POLICY, error) && value(words, &text, "accept or drop", error) &&
		       target_parse(&command->policy, text, error);
	if (is(word, "-S", "--save"))
		return operation(command, OP_SAVE, error);
	if (is(word, "-R", "--restore"))
		return operation(command, OP_RESTORE, error) && value(words, &command->file, "a file, or -", error);
	if (is(word, "-h", "--help"))
		return operation(command, OP_HELP, error);
	return error_set(error, "%s is no option of viptables; see viptables --help", shown(word).text);
}

static bool takes_rule(const struct command *command)
{
	return command->operation == OP_APPEND || command->operation == OP_INSERT ||
	       (command->operation == OP_DELETE && !command->position);
}

bool command_parse(struct command *command, int count, const char *const list[], struct error *error)
{
	struct words words = {.count = count, .word = list};

	*command = (struct command){.rule = rule_any()};
	while (words.next < count) {
		const char *word = list[words.next++];

		if (!parse_word(command, &words, word, error))
			return false;
	}
	if (command->operation == OP_NONE)
		return error_set(error, "nothing is asked for; viptables --help says what can be");
	if (takes_rule(command) && !words.target)
		return error_set(error, "what becomes of the messages is missing: -j accept or -j drop");
	if (!takes_rule(command) && (words.from || words.to || words.target))
		return error_set(error, "-s, -d and -j go with -A, -I and with -D without a number only");
	if ((command->test || command->skip_absent) && command->operation != OP_RESTORE)
		return error_set(error, "--test and --skip-absent go with --restore only");
	return true;
}
