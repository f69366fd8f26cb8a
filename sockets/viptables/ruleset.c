#include "ruleset.h"

#include <string.h>

#include "command.h"

#define MAX_WORDS 16

/* Words between blanks, in place; one more than MAX_WORDS if there are more. */
static int cut(char *line, const char *words[])
{
	int count = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (!*line || count > MAX_WORDS)
			return count;
		if (count < MAX_WORDS)
			words[count] = line;
		count++;
		line += strcspn(line, " \t");
		if (*line)
			*line++ = '\0';
	}
}

static bool parse_line(struct ruleset *set, char *line, uint32_t number, bool *has_policy, struct error *error)
{
	const char *words[MAX_WORDS];
	struct command command;
	int count;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return true;
	count = cut(line, words);
	if (count > MAX_WORDS)
		return error_set(error, "more than %d words", MAX_WORDS);
	if (!command_parse(&command, count, words, error))
		return false;
	if (command.operation == OP_POLICY) {
		if (*has_policy)
			return error_set(error, "the policy is given twice");
		*has_policy = true;
		set->policy = command.policy;
		return true;
	}
	if (command.operation != OP_APPEND || command.numeric || command.verbose)
		return error_set(error, "only -P and -A can be in a file of rules");
	if (set->count == V4V_RULES_MAX)
		return error_set(error, "more than %u rules", V4V_RULES_MAX);
	set->lines[set->count] = number;
	set->rules[set->count++] = command.rule;
	return true;
}

bool ruleset_parse(struct ruleset *set, const char *name, char *text, size_t length, struct error *error)
{
	uint32_t number = 0;
	bool has_policy = false;
	char *end = text + length;

	memset(set, 0, sizeof(*set));
	while (text < end) {
		char *newline = memchr(text, '\n', (size_t)(end - text));
		struct error why;

		number++;
		if (!newline)
			return error_set(error, "%s: line %u does not end; was the file cut?", name, number);
		*newline = '\0';
		if (strlen(text) != (size_t)(newline - text))
			return error_set(error, "%s: line %u holds a NUL", name, number);
		if (!parse_line(set, text, number, &has_policy, &why))
			return error_set(error, "%s: line %u: %s", name, number, why.text);
		text = newline + 1;
	}
	/* Silence must not turn a table that drops into one that accepts. */
	if (!has_policy)
		return error_set(error, "%s: the policy is missing; add a line `-P accept` or `-P drop`", name);
	return true;
}
