#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "words.h"

#define POLL_INTERVAL_NS (2 * NS_PER_MS)
#define KILL_LIMIT_MS 2000u /* a killed process may still be stuck in the kernel */

extern char **environ;

struct pipes {
	int fds[3][2]; /* of stdin, stdout, stderr: read end, write end */
};

char **process_argv(const char *command)
{
	size_t bytes = strlen(command) + 1;
	size_t words = 0;
	char *cursor;
	char *word;
	char **argv;

	/* At most one word per two bytes. */
	argv = malloc((bytes / 2 + 2) * sizeof(*argv) + bytes);
	if (!argv)
		out_of_memory();
	cursor = memcpy(argv + bytes / 2 + 2, command, bytes);
	while ((word = word_cut(&cursor))) {
		if (*word)
			argv[words++] = word;
	}
	argv[words] = NULL;
	if (words == 0) {
		free(argv);
		return NULL;
	}
	return argv;
}

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 3; i++) {
		for (int end = 0; end < 2; end++) {
			if (pipes->fds[i][end] >= 0)
				close(pipes->fds[i][end]);
			pipes->fds[i][end] = -1;
		}
	}
}

static bool open_pipes(struct pipes *pipes)
{
	memset(pipes->fds, 0xff, sizeof(pipes->fds));
	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes->fds[i], O_CLOEXEC) != 0)
			return false;
		/* Ours only: the flag belongs to this end of the pipe, the child's end stays blocking. */
		if (fcntl(pipes->fds[i][i == 0], F_SETFL, O_NONBLOCK) != 0)
			return false;
	}
	return true;
}

/* posix_spawnp with the child's ends as its standard descriptors. An errno value. */
static int spawn(pid_t *pid, char *const argv[], const struct pipes *pipes)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults, mask;
	int result;

	sigfillset(&defaults);
	sigdelset(&defaults, SIGKILL);
	sigdelset(&defaults, SIGSTOP);
	sigemptyset(&mask);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes->fds[0][0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes->fds[1][1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes->fds[2][1], STDERR_FILENO);
	result = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result;
}

bool process_start(struct process *process, char *const argv[], struct error *error)
{
	struct pipes pipes;
	int result;

	if (!open_pipes(&pipes)) {
		error_errno(error, "pipe");
		close_pipes(&pipes);
		return false;
	}
	result = spawn(&process->pid, argv, &pipes);
	if (result != 0) {
		close_pipes(&pipes);
		return error_set(error, "cannot start %.100s: %s", argv[0], strerror(result));
	}
	process->in = pipes.fds[0][1];
	process->out = pipes.fds[1][0];
	process->err = pipes.fds[2][0];
	pipes.fds[0][1] = pipes.fds[1][0] = pipes.fds[2][0] = -1;
	close_pipes(&pipes);
	return true;
}

bool process_ended(pid_t pid, uint64_t deadline_ns)
{
	for (;;) {
		siginfo_t info = {.si_pid = 0};

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
			return true; /* nobody left to wait for */
		if (info.si_pid == pid)
			return true;
		if (now_ns() >= deadline_ns)
			return false;
		sleep_until(now_ns() + POLL_INTERVAL_NS);
	}
}

bool process_end(struct process *process, uint32_t grace_ms, char *how, size_t size)
{
	int status = 0;
	bool in_time;

	close(process->in);
	close(process->out);
	close(process->err);
	in_time = process_ended(process->pid, deadline_in_ms(grace_ms));
	kill(-process->pid, SIGKILL); /* also what it may have started itself */
	if (process_ended(process->pid, deadline_in_ms(KILL_LIMIT_MS)))
		waitpid(process->pid, &status, WNOHANG);
	if (!in_time) {
		snprintf(how, size, "did not exit and was killed");
		return false;
	}
	if (WIFSIGNALED(status))
		snprintf(how, size, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "exited with status %d", WEXITSTATUS(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
