#include "stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested;

static void request(int signal_number)
{
	(void)signal_number;
	requested = 1;
}

void stop_on_signals(void)
{
	struct sigaction action = {.sa_handler = request};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool stop_requested(void)
{
	return requested;
}
