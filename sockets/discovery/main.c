/*
 * v4vd: tells all domains which of them has which IPv4 address, in /v4v/peers.
 *
 * It looks at everything anew whenever something changed; nothing that it publishes is remembered, so a daemon that was
 * killed and started again goes on with what is true then.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "collect.h"
#include "notify.h"
#include "publish.h"

/*
 * Rest between two looks, ms. A guest can make its vif's back end change as often as it likes (by the state of its front
 * end), and must not keep dom0 busy with that.
 */
#define REST_MS 100

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool look(struct store *store)
{
	static struct peers peers;
	static unsigned int disputed_before;
	unsigned int disputed = collect(store, &peers);

	if (disputed != disputed_before)
		fprintf(stderr, "v4vd: %u addresses are those of two domains each and belong to neither\n", disputed);
	disputed_before = disputed;
	if (publish(store, &peers))
		return true;
	fprintf(stderr, "v4vd: XenStore refuses to store %s: %s\n", PEERS_FOLDER, strerror(errno));
	return false;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before libxenstore starts its thread, which must not take them. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The least of two waits, of which -1 is for ever. */
static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* Until a signal (0) or until XenStore is lost (1). */
static int serve(struct store *store, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = store_fd(store), .events = POLLIN},
		{.fd = bridge_watch(), .events = POLLIN},
		{.fd = signal_fd, .events = POLLIN},
	};
	long long looked = now_ms() - REST_MS;
	int period = notify_period();
	bool changed = true;

	for (;;) {
		int rest = (int)(looked + REST_MS - now_ms());

		if (changed && rest <= 0) {
			if (!look(store))
				return 1;
			looked = now_ms();
			changed = false;
			notify("READY=1");
			rest = REST_MS;
		}
		if (!store_alive(store))
			return 1;
		/* Only after XenStore has answered: a daemon that hangs in it is to be killed. */
		notify("WATCHDOG=1");
		if (poll(fds, 3, sooner(period, changed ? rest : -1)) < 0 && errno != EINTR)
			return 1;
		if (fds[2].revents)
			return 0;
		changed |= store_drain(store) > 0;
		changed |= fds[1].revents && (bridge_drain(fds[1].fd) || fds[1].revents & ~POLLIN);
		if (fds[0].revents & ~POLLIN)
			return 1;
	}
}

int main(int argc, char **argv)
{
	int signal_fd = signals();
	struct store *store;
	int status;

	if (argc > 1) {
		bool help = strcmp(argv[1], "--help") == 0;

		fprintf(help ? stdout : stderr,
			"usage: v4vd\nPublishes in XenStore (" PEERS_FOLDER ") which domain has which IPv4 address. Runs in "
			"dom0, as a service.\n");
		return help ? 0 : 2;
	}
	if (signal_fd < 0) {
		fprintf(stderr, "v4vd: no signals: %s\n", strerror(errno));
		return 1;
	}
	store = store_open();
	if (!store) {
		fprintf(stderr, "v4vd: XenStore cannot be reached: %s; it runs in dom0, as root\n", strerror(errno));
		return 1;
	}
	if (!store_watch(store, VIFS) || !store_watch(store, "@introduceDomain") ||
	    !store_watch(store, "@releaseDomain")) {
		fprintf(stderr, "v4vd: XenStore does not take watches: %s\n", strerror(errno));
		return 1;
	}
	status = serve(store, signal_fd);
	notify("STOPPING=1");
	if (status)
		fprintf(stderr, "v4vd: XenStore is lost\n");
	else
		publish_nothing(store);
	store_close(store);
	return status;
}
