#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "lines.h"
#include "memory.h"
#include "pingpong.h"
#include "program.h"
#include "rendezvous.h"
#include "setup.h"
#include "stream.h"
#include "words.h"

/* How much later than the budget the windows of the step's other pairs may end: their clients start with a skew. */
#define START_SKEW_MS 50u

/* Sockets give up at the deadline with a reason; a role that is stuck all the same dies a little later. */
#define DEADLINE_GRACE_MS 500u /* at most */
#define DEADLINE_GRACE_PART 32u /* of the deadline */

/* Room that `rtt` lines fill: 150 numbers of at most 20 digits stay below the longest line. */
#define RTT_PER_LINE 150u

bool role_report(const struct role *role, struct error *error, const char *format, ...)
{
	char line[LINES_CAPACITY];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if ((size_t)length > sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length] = '\n';
	return write_all(role->report, line, (size_t)length + 1) || error_errno(error, "report");
}

bool role_report_times(const struct role *role, const uint64_t *ns, uint32_t count, struct error *error)
{
	for (uint32_t next = 0; next < count;) {
		char line[RTT_PER_LINE * 21 + 1];
		size_t length = 0;

		for (uint32_t i = 0; i < RTT_PER_LINE && next < count; i++)
			length += (size_t)snprintf(line + length, sizeof(line) - length, " %llu",
						   (unsigned long long)ns[next++]);
		if (!role_report(role, error, "rtt %u%s", role->spec.role, line))
			return false;
	}
	return true;
}

bool role_await(const struct role *role, uint64_t *message, struct error *error)
{
	ssize_t bytes;

	/* Eight bytes: the pipe hands them over in one piece. */
	do {
		bytes = read(role->control, message, sizeof(*message));
	} while (bytes < 0 && errno == EINTR);
	return bytes == (ssize_t)sizeof(*message) || error_set(error, "the agent is gone");
}

/* The counters of a connection under v4vrun. */
static bool read_way(const struct role *role, const struct connection *connection, struct way *way, struct error *error)
{
	return role->spec.server.transport == TRANSPORT_TCP_V4VRUN ? way_read_plain(connection->fd, way, error)
								   : way_read(connection->fd, way, error);
}

bool role_barrier(const struct role *role, const struct connection *connection, struct error *error)
{
	uint32_t sndbuf, rcvbuf;
	uint64_t start_ns;

	connection_buffers(connection, role->spec.server.transport, &sndbuf, &rcvbuf);
	if (role->before && transport_uses_v4vrun(role->spec.server.transport) &&
	    !read_way(role, connection, role->before, error))
		return false;
	if (!role_report(role, error, "warm %u %u %u", role->spec.role, (unsigned)sndbuf, (unsigned)rcvbuf) ||
	    !role_await(role, &start_ns, error))
		return false;
	sleep_until(start_ns);
	return true;
}

bool role_window_over(const struct role *role, uint64_t start_ns, struct error *error)
{
	uint64_t finish;

	if (role->spec.pairs > 1)
		sleep_until(start_ns + (role->spec.budget_ms + START_SKEW_MS) * NS_PER_MS);
	return role_report(role, error, "timed %u", role->spec.role) && role_await(role, &finish, error);
}

bool role_report_way(const struct role *role, const struct way *before, const struct way *after, struct error *error)
{
	struct way way = way_between(before, after);

	return role_report(role, error, "way %u %llu %llu %llu %llu", role->spec.role, (unsigned long long)way.ring_tx,
			   (unsigned long long)way.ring_rx, (unsigned long long)way.tcp_tx,
			   (unsigned long long)way.tcp_rx);
}

bool role_way(const struct role *role, const struct connection *connection, struct error *error)
{
	struct way after;

	return !transport_uses_v4vrun(role->spec.server.transport) ||
	       (read_way(role, connection, &after, error) && role_report_way(role, role->before, &after, error));
}

/* A connection starts as TCP: it is measured when it has become what it is measured as. */
static bool settle(const struct role *role, const struct connection *connection, struct error *error)
{
	struct way way;

	switch (role->spec.server.transport) {
	case TRANSPORT_V4V_SOCKETS:
		return way_wait_moved(connection->fd, role->deadline_ns, error);
	case TRANSPORT_TCP_V4VRUN:
		/* What a listener accepts of no peer keeps nothing of having asked; what connects does. */
		return (!role->spec.is_client || way_asked(connection->fd, "connection", error)) &&
		       way_read_plain(connection->fd, &way, error);
	default:
		return true;
	}
}

static bool serve_connections(const struct role *role, struct listener *listener, struct connection *connection,
			      struct error *error)
{
	const struct role_spec *spec = &role->spec;

	if (transport_uses_v4vrun(spec->server.transport) && !way_asked(listener->fd, "listener", error))
		return false;
	if (!role_report(role, error, "listening %u %u", spec->role, (unsigned)listener->endpoint.port) ||
	    !listener_accept(listener, TURN_FIRST, spec->token, role->deadline_ns, connection, error) ||
	    !settle(role, connection, error))
		return false;
	if (spec->kind == KIND_CONNECT)
		return setup_server(role, listener->fd, connection->fd, error);
	return spec->kind == KIND_PINGPONG ? pingpong_server(role, connection, error)
					   : stream_server(role, listener, connection, error);
}

static bool serve(struct role *role, struct error *error)
{
	struct role_spec *spec = &role->spec;
	struct connection connection = {.fd = -1};
	struct listener listener;
	bool ok;

	if (spec->kind == KIND_MEMCPY)
		return memory_server(role, error);
	if (kind_is_program(spec->kind))
		return program_server(role, error);
	/* No two servers of a domain have one number, nor one that follows the other's. */
	if (spec->server.transport == TRANSPORT_VCHAN)
		spec->server.port = spec->role;
	ok = listener_open(&listener, &spec->server, error) && serve_connections(role, &listener, &connection, error);
	/* Servers that are done have closed it: the agent may end them after their last word, and what is open then leaves its
	 * nodes in XenStore. */
	connection_close(&connection);
	return ok;
}

static bool use(const struct role *role, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	struct connection connection = {.fd = -1};
	bool ok;

	if (spec->kind == KIND_MEMCPY)
		return memory_client(role, error);
	if (kind_is_program(spec->kind))
		return program_client(role, error);
	ok = connection_open(&connection, &spec->server, TURN_FIRST, spec->token, role->deadline_ns, error) &&
	     settle(role, &connection, error);
	if (ok && spec->kind == KIND_CONNECT)
		ok = setup_client(role, &connection, error);
	else if (ok)
		ok = spec->kind == KIND_PINGPONG ? pingpong_client(role, &connection, error)
						 : stream_client(role, &connection, error);
	connection_close(&connection);
	return ok;
}

/* The agent's stdin and stdout are not this process's business, and it does not outlive the agent or the deadline. */
static void isolate(uint32_t deadline_ms, pid_t agent)
{
	uint32_t grace_ms = deadline_ms / DEADLINE_GRACE_PART;
	uint32_t limit_ms = deadline_ms + (grace_ms < DEADLINE_GRACE_MS ? grace_ms : DEADLINE_GRACE_MS) + 1;
	struct itimerval limit = {
		.it_value = {.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000},
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != agent)
		_exit(EXIT_STOPPED);
	signal(SIGALRM, SIG_DFL);
	setitimer(ITIMER_REAL, &limit, NULL);
}

static _Noreturn void fail(const struct role *role, const struct error *error)
{
	role_report(role, &(struct error){.text = ""}, "failed %u %s", role->spec.role, error->text);
	_exit(EXIT_OK);
}

static _Noreturn void role_run(struct role *role)
{
	struct error error = {.text = ""};

	if (!(role->spec.is_client ? use(role, &error) : serve(role, &error)))
		fail(role, &error);
	_exit(EXIT_OK);
}

/* Goes on as the same process under v4vrun, which is given its library when it is started. Returns only on failure. */
static void become_unmodified_program(const struct role *role, struct error *error)
{
	/* `require` would not let it connect to no peer. */
	const char *mode = role->spec.server.transport == TRANSPORT_TCP_V4VRUN ? "auto" : "require";
	char program[4096], control[12], report[12], line[512];
	struct role_spec spec = role->spec;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length < 0) {
		error_errno(error, "/proc/self/exe");
		return;
	}
	program[length] = '\0';
	spec.deadline_ms = (uint32_t)ms_until(role->deadline_ns);
	role_spec_format(line, sizeof(line), &spec);
	snprintf(control, sizeof(control), "%d", role->control);
	snprintf(report, sizeof(report), "%d", role->report);
	if (fcntl(role->control, F_SETFD, 0) != 0 || fcntl(role->report, F_SETFD, 0) != 0) {
		error_errno(error, "fcntl");
		return;
	}
	execlp("v4vrun", "v4vrun", "--mode", mode, program, "role", control, report, line + strlen("role "),
	       (char *)NULL);
	error_errno(error, "path: v4vrun");
}

int role_resume(int argc, char **argv)
{
	struct role role = {.before = &(struct way){0}};
	struct error error = {.text = "three arguments are needed"};
	uint64_t control, report;

	if (argc != 3 || !number_parse(argv[0], 3, INT32_MAX, &control) ||
	    !number_parse(argv[1], 3, INT32_MAX, &report) || !role_spec_parse(argv[2], &role.spec, &error)) {
		fprintf(stderr, "v4v-bench role: %s: it is started by `v4v-bench agent`\n", error.text);
		return EXIT_BAD_PLAN;
	}
	role.control = (int)control;
	role.report = (int)report;
	role.deadline_ns = deadline_in_ms(role.spec.deadline_ms);
	role_run(&role);
}

void role_main(const struct role_spec *spec, pid_t agent, int control, int report)
{
	struct role role = {
		.spec = *spec,
		.control = control,
		.report = report,
		.deadline_ns = deadline_in_ms(spec->deadline_ms),
	};
	struct error error = {.text = ""};

	isolate(spec->deadline_ms, agent);
	/* A program that is measured itself is what runs under v4vrun. */
	if (transport_uses_v4vrun(spec->server.transport) && !kind_is_program(spec->kind)) {
		become_unmodified_program(&role, &error);
		fail(&role, &error);
	}
	role_run(&role);
}
