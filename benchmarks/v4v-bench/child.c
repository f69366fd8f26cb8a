#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "process.h"

static _Noreturn void become(char *const argv[], int out, pid_t parent)
{
	int reason;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	reason = errno;
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(reason));
	_exit(127);
}

bool child_start(struct child *child, const char *command, struct error *error)
{
	char **argv = process_argv(command);
	pid_t parent = getpid();
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) != 0) {
		free(argv);
		return error_errno(error, "pipe");
	}
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	child->out = pipes[0];
	child->pid = fork();
	if (child->pid == 0)
		become(argv, pipes[1], parent);
	close(pipes[1]);
	free(argv);
	if (child->pid < 0) {
		close(child->out);
		return error_errno(error, "fork");
	}
	return true;
}

bool child_read(const struct child *child, char *text, size_t size, size_t *length)
{
	for (;;) {
		char dropped[4096];
		bool room = *length + 1 < size;
		ssize_t bytes = room ? read(child->out, text + *length, size - 1 - *length)
				     : read(child->out, dropped, sizeof(dropped));

		if (bytes > 0 && room)
			*length += (size_t)bytes;
		text[*length] = '\0';
		if (bytes == 0 || (bytes < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		if (bytes < 0 && errno == EAGAIN)
			return true;
	}
}

bool child_end(struct child *child)
{
	int status = 0;

	/* A program that has ended keeps its status; its number is its own until it is waited for. */
	kill(child->pid, SIGKILL);
	close(child->out);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool child_blame(const char *command, const char *output, struct error *error)
{
	const char *line = strstr(output, "error");
	size_t length = strlen(output);

	if (line) {
		while (line > output && line[-1] != '\n')
			line--;
	} else {
		while (length && output[length - 1] == '\n')
			length--;
		line = output + length;
		while (line > output && line[-1] != '\n')
			line--;
	}
	line += strspn(line, " \t");
	length = strcspn(line, "\n");
	return error_set(error, "%.160s: %.*s", command, length ? (int)(length < 160 ? length : 160) : 15,
			 length ? line : "it said nothing");
}

bool child_run(const char *command, uint64_t deadline_ns, char *output, size_t size, struct error *error)
{
	struct child child;
	size_t length = 0;
	bool more = true;

	output[0] = '\0';
	if (!child_start(&child, command, error))
		return false;
	while (more && now_ns() < deadline_ns) {
		struct pollfd polled = {.fd = child.out, .events = POLLIN};

		poll(&polled, 1, ms_until(deadline_ns));
		more = child_read(&child, output, size, &length);
	}
	if (more) {
		child_end(&child);
		return error_set(error, "%.160s: not done in time", command);
	}
	/* The end of its output comes a moment before its own. */
	process_ended(child.pid, deadline_ns);
	return child_end(&child) || child_blame(command, output, error);
}
