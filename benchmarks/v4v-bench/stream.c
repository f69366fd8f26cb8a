#include "stream.h"

#include <sys/socket.h>

#include "clock.h"
#include "fault.h"
#include "io.h"
#include "payload.h"

#define VERIFY_MESSAGES 64u
#define VERIFY_MAX_BYTES (4u << 20)

/* The receiver reads into at least that much, so that small messages are not taken one by one. */
#define RECEIVE_MIN_BYTES (256u << 10)

static const char ack = 'A';

static bool receive_ack(const struct connection *connection, const char *what, struct error *error)
{
	char byte;
	ssize_t received = connection_receive(connection, &byte, 1);

	if (received < 0)
		return error_errno(error, what);
	return (received == 1 && byte == ack) || error_set(error, "%s: the server ended the connection", what);
}

/* Returns when the server has taken every byte. A vchan cannot be half-closed: its end comes with connection_close(). */
static bool end_of_stream(const struct connection *connection, const char *what, struct error *error)
{
	if (connection->vchan)
		return vchan_drain(connection->vchan) || error_set(error, "%s: the server ended the connection", what);
	if (shutdown(connection->fd, SHUT_WR) != 0)
		return error_errno(error, "shutdown");
	return receive_ack(connection, what, error);
}

/* The server's answer to the end of a stream; over a vchan that the bytes were taken was answer enough. */
static bool acknowledge(const struct connection *connection, const char *what, struct error *error)
{
	return connection->vchan || connection_send(connection, &ack, 1) || error_errno(error, what);
}

/* The timed loop: one send and one clock reading a message. Returns the messages sent, 0 on failure. */
static uint64_t timed_messages(const struct role_spec *spec, const struct connection *connection, const uint8_t *buffer,
			       uint64_t *start_ns, uint64_t *wall_ns, struct error *error)
{
	const uint64_t budget_ns = spec->budget_ms * NS_PER_MS;
	const uint64_t most = spec->count ? spec->count : UINT64_MAX;
	const uint32_t slowness = fault_slowness(spec->server.transport);
	uint64_t worked_ns = fault_worked_ns();
	uint64_t start = now_ns();
	uint64_t messages = 0;
	uint64_t now;

	do {
		if (!connection_send(connection, buffer, spec->size)) {
			error_errno(error, "send");
			return 0;
		}
		messages++;
		fault_slow_work(slowness, &worked_ns);
		now = now_ns();
	} while (messages < most && now - start < budget_ns);
	*start_ns = start;
	*wall_ns = now - start;
	return messages;
}

static uint64_t verify_bytes(const struct role_spec *spec)
{
	uint64_t bytes = (uint64_t)VERIFY_MESSAGES * spec->size;

	return bytes < VERIFY_MAX_BYTES ? bytes : VERIFY_MAX_BYTES;
}

/* The second pass, client: every byte of the stream differs in position, so the checksum sees order and place. */
static bool send_verification(const struct role *role, struct connection *connection, uint8_t *buffer,
			      uint64_t *checksum, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	const uint64_t total = verify_bytes(spec);

	connection_close(connection);
	if (!connection_open(connection, &spec->server, TURN_VERIFICATION, spec->token, role->deadline_ns, error))
		return false;
	*checksum = FNV1A64_START;
	for (uint64_t sent = 0; sent < total;) {
		size_t bytes = total - sent < spec->size ? (size_t)(total - sent) : spec->size;

		payload_fill(buffer, bytes, spec->seed, sent);
		*checksum = fnv1a64(*checksum, buffer, bytes);
		if (!connection_send(connection, buffer, bytes))
			return error_errno(error, "verification: send");
		sent += bytes;
	}
	return end_of_stream(connection, "verification", error);
}

bool stream_client(const struct role *role, struct connection *connection, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	uint8_t *buffer = buffer_new(spec->size);
	uint64_t start_ns, wall_ns, messages, checksum;

	payload_fill(buffer, spec->size, spec->seed, 0);
	for (uint32_t i = 0; i < spec->warmup; i++) {
		if (!connection_send(connection, buffer, spec->size))
			return error_errno(error, "warm-up: send");
	}
	if (spec->warmup && !receive_ack(connection, "warm-up", error))
		return false;
	if (!role_barrier(role, connection, error))
		return false;
	messages = timed_messages(spec, connection, buffer, &start_ns, &wall_ns, error);
	if (!messages || !end_of_stream(connection, "end of stream", error) || !role_window_over(role, start_ns, error) ||
	    !role_way(role, connection, error) || !send_verification(role, connection, buffer, &checksum, error))
		return false;
	return role_report(role, error, "done %u %llu %llu %llu %llu", spec->role, (unsigned long long)start_ns,
			   (unsigned long long)wall_ns, (unsigned long long)messages, (unsigned long long)checksum);
}

static bool receive_warmup(const struct role_spec *spec, const struct connection *connection, uint8_t *buffer,
			   struct error *error)
{
	for (uint32_t i = 0; i < spec->warmup; i++) {
		ssize_t received = connection_receive(connection, buffer, spec->size);

		if (received < 0)
			return error_errno(error, "warm-up: receive");
		if ((size_t)received < spec->size)
			return error_set(error, "warm-up: the client ended the connection");
	}
	return !spec->warmup || connection_send(connection, &ack, 1) || error_errno(error, "warm-up: send");
}

/* One receive; 0 at the end of the stream, -1 on failure. */
static ssize_t receive_some(const struct connection *connection, uint8_t *buffer, size_t size, struct error *error)
{
	ssize_t received = connection_receive_some(connection, buffer, size);

	if (received < 0)
		error_errno(error, "receive");
	return received;
}

/* The timed loop of the receiver: a clock reading after each receive, as nobody knows which one is the last. */
static bool count_stream(const struct role_spec *spec, const struct connection *connection, uint8_t *buffer,
			 size_t size, uint64_t *bytes, uint64_t *ns, struct error *error)
{
	const uint32_t slowness = fault_slowness(spec->server.transport);
	ssize_t received = receive_some(connection, buffer, size, error);
	uint64_t worked_ns = fault_worked_ns();
	uint64_t first_ns = now_ns();
	uint64_t last_ns = first_ns;
	uint64_t total = 0;

	if (received > 0)
		fault_in_window();
	while (received > 0) {
		total += (size_t)received;
		fault_slow_work(slowness, &worked_ns);
		received = receive_some(connection, buffer, size, error);
		if (received > 0)
			last_ns = now_ns();
	}
	*bytes = total;
	*ns = last_ns - first_ns;
	return received == 0;
}

static bool receive_verification(const struct role *role, struct listener *listener, struct connection *connection,
				 uint8_t *buffer, size_t size, uint64_t *checksum, struct error *error)
{
	bool corrupt = fault_is("corrupt-stream");
	struct connection first = *connection;
	ssize_t received;
	bool ok;

	/* The client still asks which way a socket's bytes went; two vchans at once would be too many grants. */
	if (first.vchan)
		connection_close(&first);
	ok = listener_accept(listener, TURN_VERIFICATION, role->spec.token, role->deadline_ns, connection, error);
	connection_close(&first);
	if (!ok)
		return false;
	*checksum = FNV1A64_START;
	while ((received = receive_some(connection, buffer, size, error)) > 0) {
		if (corrupt)
			buffer[received / 2] ^= 1;
		corrupt = false;
		*checksum = fnv1a64(*checksum, buffer, (size_t)received);
	}
	return received == 0 && acknowledge(connection, "verification: send", error);
}

bool stream_server(const struct role *role, struct listener *listener, struct connection *connection,
		   struct error *error)
{
	const struct role_spec *spec = &role->spec;
	size_t size = spec->size > RECEIVE_MIN_BYTES ? spec->size : RECEIVE_MIN_BYTES;
	uint8_t *buffer = buffer_new(size);
	uint64_t bytes, ns, checksum;

	if (!receive_warmup(spec, connection, buffer, error) ||
	    !count_stream(spec, connection, buffer, size, &bytes, &ns, error))
		return false;
	if (fault_is("lose"))
		bytes--;
	if (!acknowledge(connection, "end of stream: send", error) ||
	    !receive_verification(role, listener, connection, buffer, size, &checksum, error))
		return false;
	connection_close(connection);
	return role_report(role, error, "done %u %llu %llu %llu", spec->role, (unsigned long long)bytes,
			   (unsigned long long)ns, (unsigned long long)checksum);
}
