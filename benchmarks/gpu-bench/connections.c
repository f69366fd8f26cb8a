#include "connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "samples.h"
#include "way.h"
#include "words.h"

/* Of libraries that connect to one server there are two or three. */
#define MOST 64

struct connection {
	char local[WAY_END_BYTES], remote[WAY_END_BYTES];
	int receive_buffer, send_buffer; /* as granted, which is twice what was asked for */
	bool told; /* by ss */
	struct tcp_bytes tcp;
};

/* ss leaves out what is zero. */
static bool counter(const char *word, const char *name, uint64_t *bytes)
{
	const size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && number_parse(word + length, 0, UINT64_MAX, bytes);
}

bool ss_line(char *line, const char *local, const char *remote, struct tcp_bytes *bytes)
{
	enum { LOCAL = 3, REMOTE };
	char *rest;
	uint64_t acked = 0, segments = 0;
	unsigned at = 0;

	*bytes = (struct tcp_bytes){0, 0};
	for (char *word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest), at++) {
		if ((at == LOCAL && strcmp(word, local) != 0) || (at == REMOTE && strcmp(word, remote) != 0))
			return false;
		if (at > REMOTE && !counter(word, "bytes_acked:", &acked) && !counter(word, "segs_out:", &segments))
			counter(word, "bytes_received:", &bytes->received);
	}
	/* Who connects, as these libraries do, has his SYN among what was acknowledged. */
	bytes->sent = acked ? acked - 1 : 0;
	/* No connection is without a segment. /proc/net/tcp, where ss looks when it has no netlink, counts none. */
	return segments > 0;
}

/* The ends of a descriptor that is a connected IPv4 socket. */
static bool ends(int fd, struct connection *connection)
{
	struct sockaddr_in local = {0}, remote = {0};
	socklen_t local_length = sizeof(local), remote_length = sizeof(remote);
	socklen_t length = sizeof(int);
	int type = 0;

	*connection = (struct connection){.told = false};
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM ||
	    getsockname(fd, (struct sockaddr *)&local, &local_length) != 0 || local.sin_family != AF_INET ||
	    getpeername(fd, (struct sockaddr *)&remote, &remote_length) != 0)
		return false;
	way_end(&local, connection->local);
	way_end(&remote, connection->remote);
	length = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &connection->receive_buffer, &length) != 0)
		connection->receive_buffer = 0;
	length = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &connection->send_buffer, &length) != 0)
		connection->send_buffer = 0;
	return true;
}

static size_t own_connections(struct connection found[MOST])
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	size_t count = 0;

	while (folder && count < MOST && (entry = readdir(folder))) {
		uint64_t fd;

		if (!number_parse(entry->d_name, 0, 1 << 20, &fd) || !ends((int)fd, &found[count]))
			continue;
		count++;
		/* A descriptor may be there twice. */
		for (size_t i = 0; i + 1 < count; i++) {
			if (strcmp(found[i].local, found[count - 1].local) == 0 &&
			    strcmp(found[i].remote, found[count - 1].remote) == 0) {
				count--;
				break;
			}
		}
	}
	if (folder)
		closedir(folder);
	return count;
}

static void ask_ss(struct connection connections[], size_t count)
{
	FILE *output = popen("ss -HtniO", "re");
	char line[4096], copy[4096];

	while (output && fgets(line, sizeof(line), output)) {
		for (size_t i = 0; i < count; i++) {
			struct connection *one = &connections[i];
			struct tcp_bytes tcp;

			memcpy(copy, line, sizeof(copy));
			if (!ss_line(copy, one->local, one->remote, &tcp))
				continue;
			one->tcp = tcp;
			one->told = true;
		}
	}
	if (output)
		pclose(output);
}

static bool module_counters(struct json *json, const struct connection *connection, struct error *error)
{
	struct way_row row;
	bool found = false;

	/* Without the module there is no other way than TCP's. */
	if (access(WAY_TABLE, R_OK) == 0 && !way_look(connection->local, connection->remote, &row, &found, error))
		return false;
	json_key(json, "v4v");
	if (!found) {
		json_null(json);
		return true;
	}
	json_open(json, '{');
	pair_text(json, "state", row.state);
	pair_number(json, "ring_sent", row.way.ring_tx);
	pair_number(json, "ring_received", row.way.ring_rx);
	pair_number(json, "tcp_sent", row.way.tcp_tx);
	pair_number(json, "tcp_received", row.way.tcp_rx);
	json_close(json, '}');
	return true;
}

static bool report(const struct options *options, uint64_t size, const struct connection *connection, int fd,
		   struct error *error)
{
	struct json json = {0};
	bool ok;

	json_open(&json, '{');
	pair_text(&json, "type", "connection");
	pair_text(&json, "transport", options->transport);
	pair_number(&json, "size_bytes", sample_bytes(options, size));
	pair_number(&json, "rcvbuf", (uint64_t)connection->receive_buffer);
	pair_number(&json, "sndbuf", (uint64_t)connection->send_buffer);
	pair_text(&json, "local", connection->local);
	pair_text(&json, "remote", connection->remote);
	json_key(&json, "ss");
	if (connection->told) {
		json_open(&json, '{');
		pair_number(&json, "sent", connection->tcp.sent);
		pair_number(&json, "received", connection->tcp.received);
		json_close(&json, '}');
	} else {
		json_null(&json);
	}
	ok = module_counters(&json, connection, error) && sample_close(&json, fd, error);
	json_free(&json);
	return ok;
}

bool connections_report(const struct options *options, uint64_t size, int fd, struct error *error)
{
	struct connection connections[MOST];
	const size_t count = own_connections(connections);

	if (count)
		ask_ss(connections, count);
	for (size_t i = 0; i < count; i++) {
		if (!report(options, size, &connections[i], fd, error))
			return false;
	}
	return true;
}
