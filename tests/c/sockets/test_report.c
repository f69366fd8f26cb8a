/* What v4vrun --explain says of each connection: the module's tables are the test's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "units.h"

bool check_failed;

#define HEAD                                                                                                         \
	"cookie role local remote cid state reason tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events " \
	"tcp_tx_bytes tcp_rx_bytes\n"
#define OWN "10.83.0.11:40000"
#define FAR "10.83.0.12:80"

/* NULL: there is no such file. */
static const char *open_now, *ended;

static FILE *opened(const char *path)
{
	const char *text = strcmp(path, "/proc/v4v/sockets") == 0 ? open_now : ended;

	errno = ENOENT;
	return text ? fmemopen((void *)text, strlen(text), "r") : NULL;
}

#define fopen(path, mode) opened(path)
#include "table.c"
#undef fopen

/* What is said of these notes; the caller frees it. */
static char *said_of(const char *notes)
{
	char path[] = "/tmp/v4v-report.XXXXXX";
	int fd = mkstemp(path);
	char *said = NULL;
	size_t length;
	FILE *out = open_memstream(&said, &length);

	CHECK_EQUAL(write(fd, notes, strlen(notes)), strlen(notes));
	close(fd);
	report(path, out);
	fclose(out);
	unlink(path);
	return said;
}

static void check_said(const char *notes, const char *wanted)
{
	char *said = said_of(notes);

	if (strcmp(said, wanted) != 0) {
		printf("# said: %s", said);
		check_failed = true;
	}
	free(said);
}

static void each_way_has_its_reason(void)
{
	const struct {
		const char *state_and_reason, *sentence;
	} ways[] = {
		{"moved -", "V4V"},
		{"moved ring-lost", "V4V, then TCP: the other end closed or went away"},
		{"waits -", "TCP, as the other end has not asked for V4V or the connection was a short one"},
		{"offers -", "TCP, as it has not lasted or carried enough to move"},
		{"offered -", "TCP (so far: offered)"},
		{"stays no-ring", "TCP, as there was no memory or quota for a ring"},
		{"stays no-module", "TCP, as the other end has not asked for V4V"},
		{"stays refused", "TCP, as the other end has not asked for V4V"},
		{"stays denied", "TCP, as a rule of the hypervisor denies V4V with that domain"},
	};
	char table[512], wanted[256];

	open_now = HEAD;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(table, sizeof(table), HEAD "7 connected " OWN " " FAR " 4 %s 1 1 2 1 0 0 0 3 4\n",
			 ways[i].state_and_reason);
		ended = table;
		snprintf(wanted, sizeof(wanted),
			 "v4vrun: pid 99 connected to " FAR ": %s; V4V 1 bytes out, 2 in; TCP 3 out, 4 in\n",
			 ways[i].sentence);
		check_said("connect 7 99 " FAR " asked\n", wanted);
	}
}

static void what_did_not_ask_is_told(void)
{
	open_now = ended = HEAD;
	check_said("connect 0 99 " FAR " excluded\n", "v4vrun: pid 99 connects to " FAR ": TCP, as the lists leave it out\n");
	check_said("listen 0 99 0.0.0.0:80 no-module\n",
		   "v4vrun: pid 99 listens on 0.0.0.0:80: TCP, as the module v4v is not loaded here\n");
	check_said("connect 0 99 " FAR " no-peer\n",
		   "v4vrun: pid 99 connects to " FAR
		   ": TCP, as the address is not that of a domain on this host; connect() failed (mode require)\n");
	check_said("connect 0 99 " FAR " not-possible\n",
		   "v4vrun: pid 99 connects to " FAR ": TCP, as the protocol cannot be set (not-possible)\n");
}

static void what_asked_in_vain_is_told(void)
{
	open_now = ended = HEAD;
	check_said("connect 7 99 " FAR " asked\nlisten 8 99 0.0.0.0:80 asked\n",
		   "v4vrun: pid 99 connects to " FAR
		   ": TCP, as the address is not that of another domain on this host, or nobody answered\n"
		   "v4vrun: pid 99 listens on 0.0.0.0:80: asked for V4V; no connection from a domain of this host\n");
}

/* By the listener's cookie: each that it has accepted, whether it is open or not. Others' are not this program's. */
static void a_listener_tells_of_all_its_connections(void)
{
	open_now = HEAD "8 accepted " OWN " 10.83.0.13:5 5 moved - 5 1 6 1 0 0 0 0 0\n"
			"8 connected " OWN " 10.83.0.14:6 6 moved - 5 1 6 1 0 0 0 0 0\n"
			"9 accepted " OWN " 10.83.0.15:7 7 moved - 5 1 6 1 0 0 0 0 0\n";
	ended = HEAD "8 accepted " OWN " " FAR " 4 moved - 1 1 2 1 0 0 0 3 4\n";
	check_said("listen 8 99 0.0.0.0:80 asked\n",
		   "v4vrun: pid 99 accepted from " FAR ": V4V; V4V 1 bytes out, 2 in; TCP 3 out, 4 in\n"
		   "v4vrun: pid 99 accepted from 10.83.0.13:5: V4V; V4V 5 bytes out, 6 in; TCP 0 out, 0 in\n");
}

static void without_the_module_that_is_said(void)
{
	open_now = ended = NULL;
	check_said("connect 0 99 " FAR " no-module\n",
		   "v4vrun: without the module all goes by TCP\n"
		   "v4vrun: pid 99 connects to " FAR ": TCP, as the module v4v is not loaded here\n");
}

static void a_table_of_another_version_is_none(void)
{
	open_now = HEAD "7 connected " OWN "\n";
	ended = HEAD;
	check_said("", "v4vrun: without the module all goes by TCP\n");
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += RUN(each_way_has_its_reason);
	failed += RUN(what_did_not_ask_is_told);
	failed += RUN(what_asked_in_vain_is_told);
	failed += RUN(a_listener_tells_of_all_its_connections);
	failed += RUN(without_the_module_that_is_said);
	failed += RUN(a_table_of_another_version_is_none);
	return failed > 0;
}
