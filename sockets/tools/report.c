#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

static struct table open_now, ended;

struct note {
	char what[16], cookie[32], pid[16], end[32], outcome[32];
};

static void say_way(FILE *out, const struct table *table, size_t row)
{
	const char *state = table_cell(table, row, "state"), *reason = table_cell(table, row, "reason");
	const char *way = strcmp(state, "moved") == 0 ? "V4V" : "TCP";

	fprintf(out, "%s", way);
	if (strcmp(state, "waits") == 0)
		fprintf(out, ", as the other end has not asked for V4V or the connection was a short one");
	else if (strcmp(state, "offers") == 0)
		fprintf(out, ", as it has not lasted or carried enough to move");
	else if (strcmp(reason, "no-ring") == 0)
		fprintf(out, ", as there was no memory or quota for a ring");
	else if (strcmp(reason, "no-module") == 0 || strcmp(reason, "refused") == 0)
		fprintf(out, ", as the other end has not asked for V4V");
	else if (strcmp(reason, "denied") == 0)
		fprintf(out, ", as a rule of the hypervisor denies V4V with that domain");
	else if (strcmp(reason, "ring-lost") == 0)
		fprintf(out, ", then TCP: the other end closed or went away");
	else if (strcmp(way, "TCP") == 0)
		fprintf(out, " (so far: %s)", state);
	fprintf(out, "; V4V %s bytes out, %s in; TCP %s out, %s in\n", table_cell(table, row, "tx_bytes"),
		table_cell(table, row, "rx_bytes"), table_cell(table, row, "tcp_tx_bytes"),
		table_cell(table, row, "tcp_rx_bytes"));
}

/* All connections of a socket or of a listener; how many. */
static unsigned int say_all(FILE *out, const struct table *table, const struct note *note)
{
	const char *role = strcmp(note->what, "listen") == 0 ? "accepted" : "connected";
	unsigned int count = 0;

	for (size_t row = 1; row < table->rows; row++) {
		if (strcmp(table_cell(table, row, "cookie"), note->cookie) != 0 ||
		    strcmp(table_cell(table, row, "role"), role) != 0)
			continue;
		fprintf(out, "v4vrun: pid %s %s %s %s: ", note->pid, role, role[0] == 'a' ? "from" : "to",
			table_cell(table, row, "remote"));
		say_way(out, table, row);
		count++;
	}
	return count;
}

static void say(FILE *out, const struct note *note)
{
	const char *role = strcmp(note->what, "listen") == 0 ? "listens on" : "connects to";

	if (strcmp(note->outcome, "asked") == 0) {
		if (say_all(out, &ended, note) + say_all(out, &open_now, note))
			return;
		fprintf(out, "v4vrun: pid %s %s %s: %s\n", note->pid, role, note->end,
			note->what[0] == 'l' ? "asked for V4V; no connection from a domain of this host" :
					       "TCP, as the address is not that of another domain on this host, or nobody "
					       "answered");
		return;
	}
	fprintf(out, "v4vrun: pid %s %s %s: TCP, as ", note->pid, role, note->end);
	if (strcmp(note->outcome, "excluded") == 0)
		fprintf(out, "the lists leave it out\n");
	else if (strcmp(note->outcome, "no-module") == 0)
		fprintf(out, "the module v4v is not loaded here\n");
	else if (strcmp(note->outcome, "no-peer") == 0)
		fprintf(out, "the address is not that of a domain on this host; connect() failed (mode require)\n");
	else
		fprintf(out, "the protocol cannot be set (%s)\n", note->outcome);
}

void report(const char *notes, FILE *out)
{
	FILE *file = fopen(notes, "re");
	struct note note;

	if (!file)
		return;
	if (!table_read(&open_now, "/proc/v4v/sockets") || !table_read(&ended, "/proc/v4v/sockets_ended"))
		fprintf(out, "v4vrun: without the module all goes by TCP\n");
	while (fscanf(file, "%15s %31s %15s %31s %31s", note.what, note.cookie, note.pid, note.end, note.outcome) == 5)
		say(out, &note);
	fclose(file);
	table_free(&open_now);
	table_free(&ended);
}
