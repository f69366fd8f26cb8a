#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "io.h"
#include "rendezvous.h"

#define REDIS_CLIENTS "16"
#define COMMAND_BYTES 256
#define OUTPUT_BYTES (64u << 10)
#define VERSION_BYTES 60
#define LOOK_EVERY_MS 10u
#define SETTLE_MS 1000u /* for the program's connections to be over at its end */

bool program_takes(enum kind kind, enum transport transport)
{
	bool inet = transport == TRANSPORT_TCP || transport == TRANSPORT_V4V_SOCKETS;

	return (kind == KIND_IPERF3 && inet) || (kind == KIND_REDIS_GET && (inet || transport == TRANSPORT_UNIX));
}

const char *program_name(enum kind kind)
{
	return kind == KIND_IPERF3 ? "iperf3" : "redis-benchmark";
}

const char *program_unit(enum kind kind)
{
	return kind == KIND_IPERF3 ? "MB/s" : "1/s";
}

static const char *prefix(enum transport transport)
{
	return transport == TRANSPORT_V4V_SOCKETS ? "v4vrun --mode require " : "";
}

static void socket_path(uint32_t number, char path[40])
{
	snprintf(path, 40, "/tmp/v4v-bench-%u.sock", (unsigned)number);
}

/* `port` is AF_UNIX's number, too. */
static void server_command(const struct role_spec *spec, uint32_t port, char command[COMMAND_BYTES])
{
	const char *before = prefix(spec->server.transport);
	char path[40];

	socket_path(port, path);
	if (spec->kind == KIND_IPERF3)
		snprintf(command, COMMAND_BYTES, "%siperf3 -s -B %s -p %u", before, spec->server.addr, (unsigned)port);
	else if (spec->server.transport == TRANSPORT_UNIX)
		snprintf(command, COMMAND_BYTES, "redis-server --port 0 --unixsocket %s", path);
	else
		snprintf(command, COMMAND_BYTES, "%sredis-server --bind %s --port %u --protected-mode no", before,
			 spec->server.addr, (unsigned)port);
}

static void redis_command(const struct role_spec *spec, uint32_t port, const char *test, char command[COMMAND_BYTES])
{
	char where[64], path[40];

	socket_path(port, path);
	if (spec->server.transport == TRANSPORT_UNIX)
		snprintf(where, sizeof(where), "-s %s", path);
	else
		snprintf(where, sizeof(where), "-h %s -p %u", spec->server.addr, (unsigned)port);
	snprintf(command, COMMAND_BYTES, "%sredis-benchmark %s %s -d %u --csv", prefix(spec->server.transport), where, test,
		 (unsigned)spec->size);
}

static void client_command(const struct role_spec *spec, uint32_t port, char command[COMMAND_BYTES])
{
	char test[64];

	if (spec->kind == KIND_IPERF3) {
		snprintf(command, COMMAND_BYTES, "%siperf3 -c %s -p %u -l %u -t %u -i 0 -J", prefix(spec->server.transport),
			 spec->server.addr, (unsigned)port, (unsigned)spec->size,
			 (unsigned)((spec->budget_ms + 999) / 1000));
		return;
	}
	snprintf(test, sizeof(test), "-t get -c " REDIS_CLIENTS " -n %u", (unsigned)spec->count);
	redis_command(spec, port, test, command);
}

/* A number behind a key, as iperf3's JSON has it. */
static bool number_behind(const char *text, const char *key, double *number)
{
	const char *at = strstr(text, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	*number = strtod(at, &end);
	return end != at && isfinite(*number) && *number > 0;
}

bool program_figure(enum kind kind, const char *output, uint32_t count, uint32_t size, uint64_t *figure_milli,
		    uint64_t *payload, struct error *error)
{
	double figure = 0, bytes = 0;

	if (kind == KIND_IPERF3) {
		const char *sum = strstr(output, "\"sum_received\"");

		if (!sum || !number_behind(sum, "\"bytes\":", &bytes) ||
		    !number_behind(sum, "\"bits_per_second\":", &figure) || bytes > 1e18 || figure > 1e18)
			return child_blame("iperf3", output, error);
		*payload = (uint64_t)bytes;
		*figure_milli = (uint64_t)(figure / 8e3 + 0.5);
		return true;
	}
	if (!number_behind(output, "\"GET\",\"", &figure) || figure > 1e15)
		return child_blame("redis-benchmark", output, error);
	*payload = (uint64_t)count * size;
	*figure_milli = (uint64_t)(figure * 1e3 + 0.5);
	return true;
}

/* A port that is free at the moment. */
static bool free_port(const char *addr, uint32_t *port, struct error *error)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t length = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return error_errno(error, "socket");
	inet_pton(AF_INET, addr, &in.sin_addr);
	ok = bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0 && getsockname(fd, (struct sockaddr *)&in, &length) == 0;
	if (!ok)
		error_errno(error, "bind");
	close(fd);
	*port = ntohs(in.sin_port);
	return ok;
}

/* Looked up, not tried: a connection would be the server's first. */
static bool listens(uint32_t port)
{
	FILE *file = fopen("/proc/net/tcp", "re");
	unsigned local, state;
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, " %*u: %*x:%x %*x:%*x %x", &local, &state) == 2 && local == port && state == 0x0a;
	if (file)
		fclose(file);
	return found;
}

static bool unix_listens(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool wait_until_ready(const struct role *role, const struct child *server, const char *command, uint32_t port,
			     struct error *error)
{
	bool is_unix = role->spec.server.transport == TRANSPORT_UNIX;
	char output[4096] = "", path[40];
	size_t length = 0;

	socket_path(port, path);
	while (is_unix ? !unix_listens(path) : !listens(port)) {
		if (!child_read(server, output, sizeof(output), &length))
			return child_blame(command, output, error);
		if (now_ns() >= role->deadline_ns)
			return error_set(error, "%s: it does not listen", command);
		sleep_until(deadline_in_ms(LOOK_EVERY_MS));
	}
	return true;
}

/* Until the client closes, with an eye on the server's output, whose pipe must not fill. */
static bool attend(const struct role *role, const struct child *server, int fd, const char *command,
		   struct error *error)
{
	struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = server->out, .events = POLLIN}};
	char output[4096] = "";

	while (now_ns() < role->deadline_ns) {
		size_t length = 0;

		poll(polled, 2, ms_until(role->deadline_ns));
		if (polled[0].revents)
			return true;
		if (polled[1].revents && !child_read(server, output, sizeof(output), &length))
			return child_blame(command, output, error);
	}
	return error_set(error, "the client was not done until the deadline");
}

static bool serve_clients(struct role *role, const struct child *server, const char *command, uint32_t port,
			  struct error *error)
{
	struct role_spec *spec = &role->spec;
	uint32_t number = htonl(port);
	int listener, fd;

	if (!wait_until_ready(role, server, command, port, error))
		return false;
	listener = transport_listen(&spec->server, error);
	if (listener < 0 ||
	    !role_report(role, error, "listening %u %u", spec->role, (unsigned)spec->server.port))
		return false;
	fd = rendezvous_accept(listener, spec->server.transport, spec->token, role->deadline_ns, error);
	if (fd < 0)
		return false;
	if (!send_all(fd, &number, sizeof(number)))
		return error_errno(error, "send");
	return attend(role, server, fd, command, error);
}

bool program_server(struct role *role, struct error *error)
{
	bool is_unix = role->spec.server.transport == TRANSPORT_UNIX;
	char command[COMMAND_BYTES], path[40];
	uint32_t port = (uint32_t)getpid();
	struct child server;
	bool ok;

	if (!is_unix && !free_port(role->spec.server.addr, &port, error))
		return false;
	socket_path(port, path);
	unlink(path);
	server_command(&role->spec, port, command);
	if (!child_start(&server, command, error))
		return false;
	ok = serve_clients(role, &server, command, port, error);
	child_end(&server);
	unlink(path);
	return ok && role_report(role, error, "done %u", role->spec.role);
}

/* What the program calls itself. */
static bool report_version(const struct role *role, struct error *error)
{
	char command[64], output[1024];

	snprintf(command, sizeof(command), "%s --version", program_name(role->spec.kind));
	if (!child_run(command, role->deadline_ns, output, sizeof(output), error))
		return false;
	output[strcspn(output, "\n")] = '\0';
	return role_report(role, error, "version %u %.*s", role->spec.role, VERSION_BYTES, output);
}

/* The server's address as the module's tables have it; AF_UNIX has none. */
static void remote_text(const struct role_spec *spec, uint32_t port, char text[32])
{
	text[0] = '\0';
	if (spec->server.transport != TRANSPORT_UNIX)
		snprintf(text, 32, "%s:%u", spec->server.addr, (unsigned)port);
}

static bool run_program(const struct role *role, int fd, uint32_t port, char *output, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	struct net_bytes net_before, net_after;
	uint64_t start_ns, wall_ns, figure, payload;
	struct way before, after;
	char command[COMMAND_BYTES], remote[32];

	remote_text(spec, port, remote);
	client_command(spec, port, command);
	if (!role_report(role, error, "command %u %s", spec->role, command) ||
	    !way_total(remote, deadline_in_ms(SETTLE_MS), &before, error) ||
	    !role_barrier(role, &(struct connection){.fd = fd}, error) || !way_net(&net_before, error))
		return false;
	start_ns = now_ns();
	if (!child_run(command, role->deadline_ns, output, OUTPUT_BYTES, error))
		return false;
	wall_ns = now_ns() - start_ns;
	return way_net(&net_after, error) && role_window_over(role, start_ns, error) &&
	       program_figure(spec->kind, output, spec->count, spec->size, &figure, &payload, error) &&
	       way_total(remote, deadline_in_ms(SETTLE_MS), &after, error) &&
	       role_report_way(role, &before, &after, error) &&
	       role_report(role, error, "net %u %llu %llu", spec->role,
			   (unsigned long long)(net_after.tx - net_before.tx),
			   (unsigned long long)(net_after.rx - net_before.rx)) &&
	       role_report(role, error, "done %u %llu %llu %llu %llu", spec->role, (unsigned long long)start_ns,
			   (unsigned long long)wall_ns, (unsigned long long)figure, (unsigned long long)payload);
}

bool program_client(const struct role *role, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	char *output = buffer_new(OUTPUT_BYTES);
	char command[COMMAND_BYTES];
	uint32_t port;
	int fd = rendezvous_connect(&spec->server, spec->token, role->deadline_ns, error);

	if (fd < 0)
		return false;
	if (receive_all(fd, &port, sizeof(port)) != sizeof(port))
		return error_set(error, "the server did not say where it listens");
	port = ntohl(port);
	if (!report_version(role, error))
		return false;
	if (spec->kind == KIND_REDIS_GET) {
		/* What is got must be there. */
		redis_command(spec, port, "-t set -c 1 -n 1", command);
		if (!child_run(command, role->deadline_ns, output, OUTPUT_BYTES, error))
			return false;
	}
	return run_program(role, fd, port, output, error);
}
