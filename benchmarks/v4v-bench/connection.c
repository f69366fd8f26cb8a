#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "rendezvous.h"

/* How long a client waits for the second vchan of a step, which its server makes when the first has ended. */
#define SECOND_LIMIT_MS 5000u

static struct vchan_address vchan_address(const struct endpoint *endpoint, enum turn turn)
{
	return (struct vchan_address){
		.server = endpoint->domid,
		.client = endpoint->client_domid,
		.port = endpoint->port + (turn == TURN_VERIFICATION),
	};
}

bool listener_open(struct listener *listener, const struct endpoint *endpoint, struct error *error)
{
	struct vchan_address address = vchan_address(endpoint, TURN_FIRST);

	*listener = (struct listener){.endpoint = *endpoint, .fd = -1};
	if (endpoint->transport == TRANSPORT_VCHAN)
		return (listener->vchan = vchan_serve(&address, error));
	listener->fd = transport_listen(&listener->endpoint, error);
	return listener->fd >= 0;
}

static bool accept_vchan(struct listener *listener, enum turn turn, const uint8_t token[BENCH_TOKEN_BYTES],
			 uint64_t deadline_ns, struct connection *connection, struct error *error)
{
	struct vchan_address address = vchan_address(&listener->endpoint, turn);
	uint8_t shown[BENCH_TOKEN_BYTES];

	connection->vchan = listener->vchan ? listener->vchan : vchan_serve(&address, error);
	listener->vchan = NULL;
	if (!connection->vchan || !vchan_await_client(connection->vchan, deadline_ns, error))
		return false;
	/* The hypervisor lets nobody but the client's domain in; this tells a role of another step. */
	if (!vchan_receive_by(connection->vchan, shown, sizeof(shown), deadline_ns) ||
	    memcmp(shown, token, sizeof(shown)) != 0)
		return error_set(error, "vchan: whoever connected did not show the token");
	return vchan_send(connection->vchan, rendezvous_greeting, sizeof(rendezvous_greeting)) ||
	       error_errno(error, "send greeting");
}

bool listener_accept(struct listener *listener, enum turn turn, const uint8_t token[BENCH_TOKEN_BYTES],
		     uint64_t deadline_ns, struct connection *connection, struct error *error)
{
	*connection = (struct connection){.fd = -1};
	if (listener->endpoint.transport == TRANSPORT_VCHAN)
		return accept_vchan(listener, turn, token, deadline_ns, connection, error);
	connection->fd = rendezvous_accept(listener->fd, listener->endpoint.transport, token, deadline_ns, error);
	return connection->fd >= 0;
}

static bool connect_vchan(struct connection *connection, const struct endpoint *endpoint, enum turn turn,
			  const uint8_t token[BENCH_TOKEN_BYTES], uint64_t deadline_ns, struct error *error)
{
	struct vchan_address address = vchan_address(endpoint, turn);
	uint64_t limit_ns = turn == TURN_FIRST ? 0 : deadline_in_ms(SECOND_LIMIT_MS);
	char answer[sizeof(rendezvous_greeting)];

	connection->vchan = vchan_connect(&address, limit_ns < deadline_ns ? limit_ns : deadline_ns, error);
	if (!connection->vchan)
		return false;
	if (!vchan_send(connection->vchan, token, BENCH_TOKEN_BYTES))
		return error_errno(error, "send token");
	return (vchan_receive_by(connection->vchan, answer, sizeof(answer), deadline_ns) &&
		memcmp(answer, rendezvous_greeting, sizeof(answer)) == 0) ||
	       error_set(error, "receive greeting: the server closed the vchan, is late, or is not v4v-bench");
}

bool connection_open(struct connection *connection, const struct endpoint *endpoint, enum turn turn,
		     const uint8_t token[BENCH_TOKEN_BYTES], uint64_t deadline_ns, struct error *error)
{
	*connection = (struct connection){.fd = -1};
	if (endpoint->transport == TRANSPORT_VCHAN)
		return connect_vchan(connection, endpoint, turn, token, deadline_ns, error);
	connection->fd = rendezvous_connect(endpoint, token, deadline_ns, error);
	return connection->fd >= 0;
}

bool connection_send(const struct connection *connection, const void *bytes, size_t length)
{
	return connection->vchan ? vchan_send(connection->vchan, bytes, length)
				 : send_all(connection->fd, bytes, length);
}

ssize_t connection_receive_some(const struct connection *connection, void *bytes, size_t length)
{
	ssize_t received;

	if (connection->vchan)
		return vchan_receive(connection->vchan, bytes, length);
	do {
		received = recv(connection->fd, bytes, length, 0);
	} while (received < 0 && errno == EINTR);
	return received;
}

ssize_t connection_receive(const struct connection *connection, void *bytes, size_t length)
{
	uint8_t *buffer = bytes;
	size_t done = 0;

	while (done < length) {
		ssize_t received = connection_receive_some(connection, buffer + done, length - done);

		if (received < 0)
			return -1;
		if (received == 0)
			break;
		done += (size_t)received;
	}
	return (ssize_t)done;
}

void connection_buffers(const struct connection *connection, enum transport transport, uint32_t *sndbuf,
			uint32_t *rcvbuf)
{
	*sndbuf = *rcvbuf = 0;
	if (connection && connection->vchan)
		vchan_buffers(connection->vchan, sndbuf, rcvbuf);
	else if (connection)
		transport_buffers(connection->fd, transport, sndbuf, rcvbuf);
}

void connection_close(struct connection *connection)
{
	if (connection->vchan)
		vchan_close(connection->vchan);
	else if (connection->fd >= 0)
		close(connection->fd);
	*connection = (struct connection){.fd = -1};
}
