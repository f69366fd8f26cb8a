#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "measure.h"

static _Noreturn void child(const struct options *options, uint64_t size, int fd, struct progress *progress, pid_t parent)
{
	struct error error = {.text = ""};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What a library starts is ended with it. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	/* What a library prints is no sample. */
	if (fd == STDOUT_FILENO)
		fd = dup(fd);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	/* Without the libraries' last acts, which are nobody's measurement and may hang. */
	_exit(measure(options, size, fd, progress, &error) ? EXIT_OK : EXIT_FAILED);
}

/* Waits for the process's end, until the deadline; SIGCHLD is blocked. False when it had to be killed. */
static bool await(pid_t pid, uint64_t deadline_ns, int *status)
{
	sigset_t ended;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) == 0) {
		const int ms = ms_until(deadline_ns);
		const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

		if (ms == 0) {
			kill(-pid, SIGKILL);
			waitpid(pid, status, 0);
			return false;
		}
		sigtimedwait(&ended, NULL, &wait);
	}
	/* Whatever else it started. */
	kill(-pid, SIGKILL);
	return true;
}

static void say(const struct options *options, uint64_t size, const char *reason)
{
	fprintf(stderr, "gpu-bench: %s %llu: %s\n", workload_name(options->workload), (unsigned long long)size, reason);
}

/* One size. False when the samples cannot be written. */
static bool supervise_size(const struct options *options, uint64_t size, int fd, struct progress *progress,
			   struct error *error)
{
	const pid_t self = getpid();
	char reason[256] = "";
	int status = 0;
	pid_t pid;

	memset(progress, 0, sizeof(*progress));
	pid = fork();
	if (pid < 0)
		return error_errno(error, "fork");
	if (pid == 0)
		child(options, size, fd, progress, self);
	setpgid(pid, pid);
	if (!await(pid, deadline_in_ms(options->timeout_s * 1000ull), &status))
		snprintf(reason, sizeof(reason), "not done after %u s", (unsigned)options->timeout_s);
	else if (WIFSIGNALED(status))
		snprintf(reason, sizeof(reason), "its process ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != EXIT_OK)
		snprintf(reason, sizeof(reason), "its process ended with status %d", WEXITSTATUS(status));
	if (!reason[0])
		return true;
	if (progress->reported) {
		say(options, size, progress->reason);
		return true;
	}
	say(options, size, reason);
	return sample_failed(fd, options, size, progress, reason, error);
}

int supervise(const struct options *options, int fd)
{
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct error error = {.text = ""};
	uint64_t ok = 0, failed = 0;
	sigset_t ended;
	bool written;

	if (progress == MAP_FAILED)
		out_of_memory();
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	written = samples_start(fd, &error);
	for (size_t i = 0; written && i < options->size_count; i++) {
		written = supervise_size(options, options->sizes[i], fd, progress, &error);
		ok += progress->ok;
		failed += progress->failed;
	}
	written = written && samples_end(fd, ok, failed, &error);
	if (!written)
		fprintf(stderr, "gpu-bench: %s\n", error.text);
	munmap(progress, sizeof(*progress));
	return written && failed == 0 ? EXIT_OK : EXIT_FAILED;
}
