/* The table for people (-L) and for --restore (--save). */
#ifndef VIPTABLES_SHOW_H
#define VIPTABLES_SHOW_H

#include <stdio.h>

#include "names.h"
#include "table.h"

/* DOM[:PORT]: by name if `names` has one, else by number. */
struct end_text {
	char text[NAME_MAX_LENGTH + 16];
};
struct end_text end_text(const struct names *names, uint16_t domid, bool has_port, uint32_t port);

/* names NULL: numbers. `verbose`: numbers beside the names. */
void show_listing(FILE *out, const struct listing *listing, const struct names *names, bool verbose);
void show_saved(FILE *out, uint16_t policy, const struct v4v_rule *rules, size_t stride, uint32_t count,
		const struct names *names);

#endif
