/* What is to be done, from the words of a command line or of a line in a file of rules. */
#ifndef VIPTABLES_COMMAND_H
#define VIPTABLES_COMMAND_H

#include "rule.h"

enum operation {
	OP_NONE,
	OP_LIST,
	OP_APPEND,
	OP_INSERT,
	OP_DELETE,
	OP_FLUSH,
	OP_POLICY,
	OP_ZERO,
	OP_SAVE,
	OP_RESTORE,
	OP_HELP,
};

struct command {
	enum operation operation;
	/* Of -I and -D, from 1; 0: -D by the rule itself. */
	uint32_t position;
	struct rule rule;
	uint16_t policy;
	const char *file;
	bool numeric, verbose, test, skip_absent;
};

/* Words without the program's name. */
bool command_parse(struct command *command, int count, const char *const words[], struct error *error);

#endif
