#include "role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "lines.h"
#include "memory.h"
#include "pingpong.h"
#include "rendezvous.h"
#include "stream.h"

/* How much later than the budget the windows of the step's other pairs may end: their clients start with a skew. */
#define START_SKEW_MS 50u

/* Sockets give up at the deadline with a reason; a role that is stuck all the same dies a little later. */
#define DEADLINE_GRACE_MS 500u /* at most */
#define DEADLINE_GRACE_PART 32u /* of the deadline */

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

bool role_await(const struct role *role, uint64_t *message, struct error *error)
{
	ssize_t bytes;

	/* Eight bytes: the pipe hands them over in one piece. */
	do {
		bytes = read(role->control, message, sizeof(*message));
	} while (bytes < 0 && errno == EINTR);
	return bytes == (ssize_t)sizeof(*message) || error_set(error, "the agent is gone");
}

bool role_barrier(const struct role *role, int fd, struct error *error)
{
	uint32_t sndbuf, rcvbuf;
	uint64_t start_ns;

	transport_buffers(fd, role->spec.server.transport, &sndbuf, &rcvbuf);
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

static bool serve(struct role *role, struct error *error)
{
	struct role_spec *spec = &role->spec;
	int listener, fd;

	if (spec->kind == KIND_MEMCPY)
		return memory_server(role, error);
	listener = transport_listen(&spec->server, error);
	if (listener < 0)
		return false;
	if (!role_report(role, error, "listening %u %u", spec->role, (unsigned)spec->server.port))
		return false;
	fd = rendezvous_accept(listener, spec->server.transport, spec->token, role->deadline_ns, error);
	if (fd < 0)
		return false;
	return spec->kind == KIND_PINGPONG ? pingpong_server(role, fd, error)
					   : stream_server(role, listener, fd, error);
}

static bool use(const struct role *role, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	int fd;

	if (spec->kind == KIND_MEMCPY)
		return memory_client(role, error);
	fd = rendezvous_connect(&spec->server, spec->token, role->deadline_ns, error);
	if (fd < 0)
		return false;
	return spec->kind == KIND_PINGPONG ? pingpong_client(role, fd, error) : stream_client(role, fd, error);
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
	if (spec->is_client ? !use(&role, &error) : !serve(&role, &error))
		role_report(&role, &(struct error){.text = ""}, "failed %u %s", spec->role, error.text);
	_exit(EXIT_OK);
}
