/* vchan, over the stand-in for its library: both ends find each other, bounded; bytes, drain and end are what they are said to be. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "connection.h"
#include "payload.h"

bool check_failed;

static const uint8_t token[BENCH_TOKEN_BYTES] = "0123456789abcdef";
static const uint8_t wrong[BENCH_TOKEN_BYTES] = "0123456789abcdeF";
static const struct endpoint endpoint = {.transport = TRANSPORT_VCHAN, .domid = 2, .client_domid = 1, .port = 6};

/* The client's part, in another process; its exit status is 0 when all of it held. */
typedef bool client_part(struct connection *connection);

static pid_t start_client(const uint8_t *shown, unsigned delay_ms, client_part *part)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct connection connection;
		struct error error;
		bool ok;

		alarm(10);
		sleep_until(deadline_in_ms(delay_ms));
		ok = connection_open(&connection, &endpoint, TURN_FIRST, shown, deadline_in_ms(3000), &error) &&
		     part(&connection);
		connection_close(&connection);
		_exit(ok ? 0 : 1);
	}
	return pid;
}

static bool exited_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool leave(struct connection *connection)
{
	return connection->vchan;
}

#define LARGE (3 * VCHAN_RING_BYTES + 12345)

static uint8_t buffer[LARGE];

/* More than the ring holds, both ways; then a stream whose end the server sees after its last byte. */
static bool talk(struct connection *connection)
{
	uint32_t sndbuf, rcvbuf;

	connection_buffers(connection, TRANSPORT_VCHAN, &sndbuf, &rcvbuf);
	payload_fill(buffer, LARGE, 1, 0);
	return sndbuf == VCHAN_RING_BYTES && rcvbuf == VCHAN_RING_BYTES &&
	       connection_send(connection, buffer, LARGE) &&
	       connection_receive(connection, buffer, LARGE) == LARGE && payload_compare(buffer, LARGE, 2, 0) == LARGE &&
	       connection_send(connection, buffer, 100) && vchan_drain(connection->vchan);
}

static void carries_bytes_both_ways(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};
	pid_t client;

	CHECK(listener_open(&listener, &endpoint, &error));
	client = start_client(token, 0, talk);
	CHECK(listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(3000), &connection, &error));
	CHECK(connection_receive(&connection, buffer, LARGE) == LARGE && payload_compare(buffer, LARGE, 1, 0) == LARGE);
	payload_fill(buffer, LARGE, 2, 0);
	CHECK(connection_send(&connection, buffer, LARGE));
	CHECK(connection_receive(&connection, buffer, LARGE) == 100);
	CHECK(connection_receive_some(&connection, buffer, LARGE) == 0);
	errno = 0;
	CHECK(!connection_send(&connection, buffer, 1) && errno == EPIPE);
	CHECK(exited_well(client));
	connection_close(&connection);
	connection_close(&connection);
}

/* Not before the server has read: that comes 100 ms later. */
static bool drains_late(struct connection *connection)
{
	uint64_t start = now_ns();

	return connection_send(connection, buffer, 1000) && vchan_drain(connection->vchan) &&
	       now_ns() - start >= 80 * NS_PER_MS;
}

static bool drains_never(struct connection *connection)
{
	return connection_send(connection, buffer, 1000) && !vchan_drain(connection->vchan);
}

static void drain_waits_for_the_other_end(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};
	pid_t client;

	CHECK(listener_open(&listener, &endpoint, &error));
	client = start_client(token, 0, drains_late);
	CHECK(listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(3000), &connection, &error));
	sleep_until(deadline_in_ms(100));
	CHECK(connection_receive(&connection, buffer, 1000) == 1000);
	CHECK(exited_well(client));
	connection_close(&connection);

	CHECK(listener_open(&listener, &endpoint, &error));
	client = start_client(token, 0, drains_never);
	CHECK(listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(3000), &connection, &error));
	sleep_until(deadline_in_ms(50));
	connection_close(&connection);
	CHECK(exited_well(client));
}

static void wants_the_token(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};
	pid_t client;

	CHECK(listener_open(&listener, &endpoint, &error));
	client = start_client(wrong, 0, leave);
	CHECK(!listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(3000), &connection, &error));
	CHECK_HOLDS(error.text, "did not show the token");
	connection_close(&connection);
	CHECK(!exited_well(client));
}

static void waits_are_bounded(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};
	uint64_t start = now_ns();

	CHECK(listener_open(&listener, &endpoint, &error));
	CHECK(!listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(150), &connection, &error));
	CHECK(now_ns() - start >= 150 * NS_PER_MS);
	CHECK_HOLDS(error.text, "the client did not connect until the deadline");
	connection_close(&connection);
	/* Closed, it is nowhere to be found: said at once. */
	CHECK(!connection_open(&connection, &endpoint, TURN_FIRST, token, deadline_in_ms(60000), &error));
	CHECK_HOLDS(error.text, "libxenvchan_client_init /local/domain/2/data/vchan/1/6: No such file or directory");
	CHECK(!connection_open(&connection, &endpoint, TURN_VERIFICATION, token, deadline_in_ms(100), &error));
	CHECK_HOLDS(error.text, "/local/domain/2/data/vchan/1/7: No such file or directory");
	/* A server that says nothing. */
	CHECK(listener_open(&listener, &endpoint, &error));
	CHECK(!connection_open(&connection, &endpoint, TURN_FIRST, token, deadline_in_ms(100), &error));
	CHECK_HOLDS(error.text, "the server closed the vchan, is late, or is not v4v-bench");
	connection_close(&connection);
	vchan_close(listener.vchan);
}

static bool killed(struct connection *connection)
{
	(void)connection;
	raise(SIGKILL);
	return false;
}

static void a_killed_client_is_an_end(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};
	pid_t client;

	CHECK(listener_open(&listener, &endpoint, &error));
	client = start_client(token, 0, killed);
	CHECK(listener_accept(&listener, TURN_FIRST, token, deadline_in_ms(3000), &connection, &error));
	CHECK(!exited_well(client));
	CHECK(connection_receive_some(&connection, buffer, LARGE) == 0);
	connection_close(&connection);
}

static void names_the_missing_device(void)
{
	struct connection connection;
	struct listener listener;
	struct error error = {.text = ""};

	setenv("XENVCHAN_WITHOUT", "/dev/xen/gntalloc", 1);
	CHECK(!listener_open(&listener, &endpoint, &error));
	CHECK_HOLDS(error.text, "vchan: /dev/xen/gntalloc: No such file or directory");
	setenv("XENVCHAN_WITHOUT", "/dev/xen/gntdev", 1);
	CHECK(!connection_open(&connection, &endpoint, TURN_FIRST, token, deadline_in_ms(100), &error));
	CHECK_HOLDS(error.text, "vchan: /dev/xen/gntdev: No such file or directory");
	unsetenv("XENVCHAN_WITHOUT");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(40);
	return RUN(carries_bytes_both_ways) + RUN(drain_waits_for_the_other_end) + RUN(wants_the_token) +
	       RUN(waits_are_bounded) + RUN(a_killed_client_is_an_end) + RUN(names_the_missing_device) > 0;
}
