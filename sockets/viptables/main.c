#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "error.h"
#include "run.h"

#define LOCK "/run/viptables.lock"
/* How long another viptables may take. */
#define PATIENCE_S 30

/* Held until the program ends: names that were read must not be older than a table that another one has put in place. */
bool lock_take(struct error *error)
{
	const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(error, "%s: %s; are you root?", LOCK, strerror(errno));
	for (unsigned int tries = 0; tries < PATIENCE_S * 10; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&moment, NULL);
	}
	return error_set(error, "another viptables holds %s for more than %d s; end it and try again", LOCK, PATIENCE_S);
}

int main(int argc, char **argv)
{
	return run(argc - (argc > 0), (const char *const *)argv + (argc > 0), stdout, stderr);
}
