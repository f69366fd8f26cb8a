/* Which connections ask for V4V: mode and lists, from the environment and a file. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_MAX 64
#define POLICY_FILE "/etc/v4v/sockets.conf"

enum mode {
	MODE_AUTO,    /* V4V where it can be had, TCP otherwise */
	MODE_REQUIRE, /* a connect() that cannot be V4V fails */
	MODE_OFF,
};

/* Addresses and ports: ADDRESS[/PREFIX][:PORT[-PORT]], :PORT, or *. */
struct rule {
	uint32_t address, mask;
	uint16_t first_port, last_port;
};

struct rules {
	unsigned int count;
	struct rule rule[RULES_MAX];
};

struct policy {
	enum mode mode;
	/* If there are any, nothing else is included. */
	struct rules include;
	struct rules exclude;
};

/* Of `length` characters; false and nothing changed if they are none. */
bool rule_parse(const char *text, size_t length, struct rule *rule);
/* Adds rules separated by commas or blanks; false at the first that is none, or if there are too many. */
bool rules_add(struct rules *rules, const char *text, size_t length);
bool mode_parse(const char *text, size_t length, enum mode *mode);

/*
 * Takes lines `mode = auto`, `include = RULES`, `exclude = RULES`; empty ones and those that begin with # say nothing.
 * Returns 0, or the number of the first line that is none of these; all before it count.
 */
unsigned int policy_text(struct policy *policy, const char *text, size_t length);

/*
 * The file (V4V_CONFIG, or POLICY_FILE if that is there), then V4V_MODE, V4V_INCLUDE and V4V_EXCLUDE. False with a
 * sentence in `error` if something of it cannot be understood.
 */
bool policy_load(struct policy *policy, char *error, size_t size);

/* Whether a connection with this far end (or of a listener: this own end) is to ask; host order. */
bool policy_wants(const struct policy *policy, uint32_t address, uint16_t port);

#endif
