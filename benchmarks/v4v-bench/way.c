#include "way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "tcp_bytes.h"
#include "words.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define TABLE "/proc/v4v/sockets"
#define ENDED "/proc/v4v/sockets_ended"
#define COLUMNS_MAX 32
#define LINE_MAX_BYTES 512
#define END_BYTES (INET_ADDRSTRLEN + 6)

/* How long the modules may take to agree: a message each way, and two rings to make. */
#define MOVE_LIMIT_MS 2000u
#define LOOK_EVERY_MS 2u

enum { LOCAL, REMOTE, STATE, REASON, RING_TX, RING_RX, TCP_TX, TCP_RX };

static const char *const names[WAY_COLUMNS] = {"local",    "remote",   "state",	       "reason",
					       "tx_bytes", "rx_bytes", "tcp_tx_bytes", "tcp_rx_bytes"};

/* Cuts a line into its words. Returns how many there are. */
static int cut(char *line, char *words[COLUMNS_MAX])
{
	char *rest;
	int count = 0;

	for (char *word = strtok_r(line, " \n", &rest); word && count < COLUMNS_MAX; word = strtok_r(NULL, " \n", &rest))
		words[count++] = word;
	return count;
}

bool way_head(struct way_table *table, char *line, struct error *error)
{
	char *words[COLUMNS_MAX];
	int count = cut(line, words);

	for (int i = 0; i < WAY_COLUMNS; i++) {
		int at = 0;

		while (at < count && strcmp(words[at], names[i]) != 0)
			at++;
		if (at == count)
			return error_set(error, TABLE " has no column %s: the module is of another version", names[i]);
		table->at[i] = at;
	}
	return true;
}

bool way_line(const struct way_table *table, char *line, const char *local, const char *remote, struct way_row *row)
{
	uint64_t *const numbers[] = {&row->way.ring_tx, &row->way.ring_rx, &row->way.tcp_tx, &row->way.tcp_rx};
	char *words[COLUMNS_MAX];
	int count = cut(line, words);

	for (int i = 0; i < WAY_COLUMNS; i++) {
		if (table->at[i] >= count)
			return false;
	}
	if ((local && strcmp(words[table->at[LOCAL]], local) != 0) ||
	    strcmp(words[table->at[REMOTE]], remote) != 0)
		return false;
	snprintf(row->state, sizeof(row->state), "%s", words[table->at[STATE]]);
	snprintf(row->reason, sizeof(row->reason), "%s", words[table->at[REASON]]);
	for (int i = 0; i < 4; i++) {
		if (!number_parse(words[table->at[RING_TX + i]], 0, UINT64_MAX, numbers[i]))
			return false;
	}
	return true;
}

bool way_asked(int fd, const char *what, struct error *error)
{
	char protocol[16] = "";
	socklen_t length = sizeof(protocol) - 1;

	if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, protocol, &length) != 0)
		return error_errno(error, "getsockopt TCP_ULP");
	return strcmp(protocol, "v4v") == 0 ||
	       error_set(error, "path: the %s does not ask for V4V: the module v4v is not loaded here, or this program "
				"does not run under v4vrun", what);
}

static void end_text(const struct sockaddr_in *address, char text[END_BYTES])
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
	snprintf(text, END_BYTES, "%s:%u", host, (unsigned)ntohs(address->sin_port));
}

/* The rows of connections between these ends (local NULL: any): *row has the last one's state and the sum of them all. */
static bool read_rows(FILE *file, const char *path, const char *local, const char *remote, struct way_row *row,
		      unsigned *count, struct error *error)
{
	struct way sum = row->way;
	struct way_table table;
	char line[LINE_MAX_BYTES];

	*count = 0;
	if (!fgets(line, sizeof(line), file))
		return error_set(error, "%s is empty", path);
	if (!way_head(&table, line, error))
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (!way_line(&table, line, local, remote, row))
			continue;
		sum.ring_tx += row->way.ring_tx;
		sum.ring_rx += row->way.ring_rx;
		sum.tcp_tx += row->way.tcp_tx;
		sum.tcp_rx += row->way.tcp_rx;
		++*count;
	}
	row->way = sum;
	return true;
}

/* Looks the connection up. *found is false for one that the module does not know: it was never more than TCP. */
static bool look(int fd, struct way_row *row, bool *found, struct error *error)
{
	struct sockaddr_in local = {0}, remote = {0};
	char local_text[END_BYTES], remote_text[END_BYTES];
	socklen_t length = sizeof(local);
	unsigned count;
	FILE *file;
	bool ok;

	if (getsockname(fd, (struct sockaddr *)&local, &length) != 0)
		return error_errno(error, "getsockname");
	length = sizeof(remote);
	if (getpeername(fd, (struct sockaddr *)&remote, &length) != 0)
		return error_errno(error, "getpeername");
	end_text(&local, local_text);
	end_text(&remote, remote_text);
	file = fopen(TABLE, "re");
	if (!file)
		return error_set(error, "path: " TABLE ": %s: is the module v4v loaded?", strerror(errno));
	row->way = (struct way){0};
	ok = read_rows(file, "path: " TABLE, local_text, remote_text, row, &count, error);
	fclose(file);
	*found = count > 0;
	return ok;
}

bool way_wait_moved(int fd, uint64_t deadline_ns, struct error *error)
{
	uint64_t limit_ns = deadline_in_ms(MOVE_LIMIT_MS);
	struct way_row row = {.state = "no peer's"};
	bool found;

	if (deadline_ns < limit_ns)
		limit_ns = deadline_ns;
	for (;;) {
		if (!look(fd, &row, &found, error))
			return false;
		if (found && strcmp(row.state, "moved") == 0)
			return true;
		if (!found || strcmp(row.state, "stays") == 0)
			return error_set(error, "path: the connection stays on TCP: %s",
					 found ? row.reason : "the module does not know it");
		if (now_ns() >= limit_ns)
			return error_set(error, "path: the connection is still on TCP: state %s", row.state);
		sleep_until(deadline_in_ms(LOOK_EVERY_MS));
	}
}

bool way_read(int fd, struct way *way, struct error *error)
{
	struct way_row row;
	bool found;

	if (!look(fd, &row, &found, error))
		return false;
	if (!found)
		return error_set(error, "path: the module does not know the connection any more");
	*way = row.way;
	return true;
}

bool way_read_plain(int fd, struct way *way, struct error *error)
{
	struct way_row row;
	bool found;

	if (!look(fd, &row, &found, error))
		return false;
	if (found)
		return error_set(error, "path: the module knows the connection, whose far end should be no peer: state %s",
				 row.state);
	*way = (struct way){0};
	return tcp_bytes(fd, &way->tcp_tx, &way->tcp_rx, error);
}

/* Adds the rows of connections to `remote` up. */
static bool add_up(const char *path, const char *remote, struct way_row *row, unsigned *count, struct error *error)
{
	FILE *file = fopen(path, "re");
	bool ok;

	*count = 0;
	if (!file)
		return errno == ENOENT || error_set(error, "%s: %s", path, strerror(errno));
	ok = read_rows(file, path, NULL, remote, row, count, error);
	fclose(file);
	return ok;
}

bool way_total(const char *remote, uint64_t deadline_ns, struct way *way, struct error *error)
{
	unsigned live, over;

	for (;;) {
		struct way_row row = {.way = {0}};

		if (!add_up(TABLE, remote, &row, &live, error))
			return false;
		if (!live || now_ns() >= deadline_ns) {
			bool ok = add_up(ENDED, remote, &row, &over, error);

			*way = row.way;
			return ok;
		}
		sleep_until(deadline_in_ms(LOOK_EVERY_MS));
	}
}

bool way_net(struct net_bytes *net, struct error *error)
{
	FILE *file = fopen("/proc/net/dev", "re");
	unsigned long long rx, tx;
	char line[LINE_MAX_BYTES];

	*net = (struct net_bytes){0};
	if (!file)
		return error_set(error, "/proc/net/dev: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", &rx, &tx) != 2)
			continue;
		net->rx += rx;
		net->tx += tx;
	}
	fclose(file);
	return true;
}

static uint64_t above(uint64_t after, uint64_t before)
{
	return after > before ? after - before : 0;
}

struct way way_between(const struct way *before, const struct way *after)
{
	return (struct way){
		.ring_tx = above(after->ring_tx, before->ring_tx),
		.ring_rx = above(after->ring_rx, before->ring_rx),
		.tcp_tx = above(after->tcp_tx, before->tcp_tx),
		.tcp_rx = above(after->tcp_rx, before->tcp_rx),
	};
}
