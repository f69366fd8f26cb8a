#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "kernel_tcp.h"
#include "lines.h"
#include "protocol.h"
#include "role.h"
#include "words.h"

#define MAX_ROLES (2 * BENCH_MAX_PAIRS)

/* A forked role as its agent sees it. */
struct worker {
	pid_t pid;
	unsigned role;
	uint32_t deadline_ms;
	bool is_client;
	bool over;   /* reported `done` or `failed` */
	int control; /* to the role */
	int report;  /* from the role */
	struct lines lines;
};

struct agent {
	struct worker *workers[MAX_ROLES];
	size_t count;
};

/* False when the drive is gone. */
static bool say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool say(const char *format, ...)
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
	return write_all(STDOUT_FILENO, line, (size_t)length + 1);
}

static bool say_hello(void)
{
	struct hello hello = {.version = V4V_BENCH_VERSION};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname system;
	char line[512];

	hello.cpus = cpus > 0 ? (uint32_t)cpus : 1;
	snprintf(hello.kernel, sizeof(hello.kernel), "%.64s", uname(&system) == 0 ? system.release : "unknown");
	kernel_tcp(hello.tcp, sizeof(hello.tcp));
	hello_format(line, sizeof(line), &hello);
	return say("%s", line);
}

static bool start_worker(struct agent *agent, const struct role_spec *spec)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int control[2], report[2];
	pid_t self = getpid();

	if (!worker)
		out_of_memory();
	if (agent->count == MAX_ROLES) {
		free(worker);
		return say("failed %u more than %u roles at once", spec->role, MAX_ROLES);
	}
	if (pipe2(control, O_CLOEXEC) != 0) {
		free(worker);
		return say("failed %u pipe: %s", spec->role, strerror(errno));
	}
	if (pipe2(report, O_CLOEXEC) != 0) {
		close(control[0]);
		close(control[1]);
		free(worker);
		return say("failed %u pipe: %s", spec->role, strerror(errno));
	}
	worker->pid = fork();
	if (worker->pid == 0) {
		close(control[1]);
		close(report[0]);
		role_main(spec, self, control[0], report[1]);
	}
	close(control[0]);
	close(report[1]);
	worker->role = spec->role;
	worker->deadline_ms = spec->deadline_ms;
	worker->is_client = spec->is_client;
	worker->control = control[1];
	worker->report = report[0];
	if (worker->pid < 0) {
		close(worker->control);
		close(worker->report);
		free(worker);
		return say("failed %u fork: %s", spec->role, strerror(errno));
	}
	agent->workers[agent->count++] = worker;
	return true;
}

/* Waits for the worker's process, which is dead or about to exit, and forgets it. Returns its wait status. */
static int remove_worker(struct agent *agent, size_t index)
{
	struct worker *worker = agent->workers[index];
	int status = 0;

	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(worker->control);
	close(worker->report);
	free(worker);
	agent->workers[index] = agent->workers[--agent->count];
	return status;
}

static void kill_workers(struct agent *agent)
{
	while (agent->count) {
		kill(agent->workers[agent->count - 1]->pid, SIGKILL);
		remove_worker(agent, agent->count - 1);
	}
}

/* A worker that closed its pipe: it is over, or it died and somebody must say so. */
static bool bury_worker(struct agent *agent, size_t index)
{
	struct worker copy = *agent->workers[index];
	int status;

	kill(copy.pid, SIGKILL); /* it can hold us up no more; one that is exiting has its status already */
	status = remove_worker(agent, index);
	if (copy.over)
		return true;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return say("failed %u still not over at the deadline after %u ms", copy.role,
			   (unsigned)copy.deadline_ms);
	if (WIFSIGNALED(status))
		return say("failed %u its process was killed by signal %d (%s)", copy.role, WTERMSIG(status),
			   strsignal(WTERMSIG(status)));
	return say("failed %u its process exited with status %d", copy.role, WEXITSTATUS(status));
}

/* Passes whole lines on: two workers' lines never mix. */
static bool relay(struct agent *agent, size_t index)
{
	struct worker *worker = agent->workers[index];
	ssize_t bytes = lines_fill(&worker->lines, worker->report);
	char *line;

	if (bytes <= 0)
		return bury_worker(agent, index);
	while ((line = lines_next(&worker->lines))) {
		if (strncmp(line, "done ", 5) == 0 || strncmp(line, "failed ", 7) == 0)
			worker->over = true;
		if (!say("%s", line))
			return false;
	}
	return true;
}

/* One message to all clients; a client that is gone is reported by its pipe's end. */
static void tell_clients(const struct agent *agent, uint64_t message)
{
	for (size_t i = 0; i < agent->count; i++) {
		if (agent->workers[i]->is_client)
			write_all(agent->workers[i]->control, &message, sizeof(message));
	}
}

static bool role_command(struct agent *agent, char *text)
{
	struct role_spec spec;
	struct error error;

	if (role_spec_parse(text, &spec, &error))
		return start_worker(agent, &spec);
	fprintf(stderr, "v4v-bench agent: %s\n", error.text);
	return false;
}

/* False ends the agent: the drive is gone or does not speak this protocol. */
static bool obey(struct agent *agent, char *line)
{
	char *cursor = line;
	char *verb = word_cut(&cursor);
	uint64_t delay_us;

	if (strcmp(verb, "role") == 0 && cursor)
		return role_command(agent, cursor);
	if (strcmp(verb, "go") == 0 && cursor && number_parse(cursor, 0, 60000000, &delay_us)) {
		tell_clients(agent, now_ns() + delay_us * NS_PER_US);
		return true;
	}
	if (strcmp(verb, "finish") == 0) {
		tell_clients(agent, 0);
		return true;
	}
	if (strcmp(verb, "abort") == 0) {
		kill_workers(agent);
		return say("idle");
	}
	fprintf(stderr, "v4v-bench agent: cannot understand \"%.60s\": it is started by `v4v-bench drive`\n", verb);
	return false;
}

/* Reads and obeys; *stop tells that the drive is gone. */
static bool read_commands(struct agent *agent, struct lines *lines, bool *stop)
{
	ssize_t bytes = lines_fill(lines, STDIN_FILENO);
	char *line;

	if (bytes <= 0) {
		*stop = true;
		return bytes == 0;
	}
	while ((line = lines_next(lines))) {
		if (!obey(agent, line))
			return false;
	}
	return true;
}

int agent_main(void)
{
	struct agent agent = {.count = 0};
	struct lines lines = {.start = 0};
	bool stop = false;
	bool ok = say_hello();

	while (ok && !stop) {
		struct pollfd polled[1 + MAX_ROLES];
		size_t count = agent.count;

		polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
		for (size_t i = 0; i < count; i++)
			polled[1 + i] = (struct pollfd){.fd = agent.workers[i]->report, .events = POLLIN};
		if (poll(polled, 1 + count, -1) < 0 && errno != EINTR)
			break;
		/* From the last to the first: removing one moves only the last, which has been looked at. */
		for (size_t i = count; ok && i-- > 0;) {
			if (polled[1 + i].revents)
				ok = relay(&agent, i);
		}
		if (ok && polled[0].revents)
			ok = read_commands(&agent, &lines, &stop);
	}
	kill_workers(&agent);
	return ok ? EXIT_OK : EXIT_STOPPED;
}
