#include "pingpong.h"

#include <string.h>

#include "clock.h"
#include "fault.h"
#include "io.h"
#include "payload.h"

static bool receive_echo(const struct connection *connection, uint8_t *echo, size_t size, struct error *error)
{
	ssize_t received = connection_receive(connection, echo, size);

	if (received < 0)
		return error_errno(error, "receive");
	if ((size_t)received < size)
		return error_set(error, "receive: the server ended the connection");
	return true;
}

/* One untimed round trip whose payload is that of message number `message` in the stream. */
static bool verified_round_trip(const struct role *role, const struct connection *connection, uint8_t *out, uint8_t *echo,
				uint64_t message, struct error *error)
{
	uint32_t size = role->spec.size;
	size_t equal;

	payload_fill(out, size, role->spec.seed, message * size);
	if (!connection_send(connection, out, size))
		return error_errno(error, "send");
	if (!receive_echo(connection, echo, size, error))
		return false;
	equal = payload_compare(echo, size, role->spec.seed, message * size);
	if (equal < size)
		return error_set(error, "integrity: byte %zu of the echo of message %llu differs", equal,
				 (unsigned long long)message);
	return true;
}

/*
 * The timed loop: one send, receives until the echo is whole, one clock reading a round trip (its end is the next
 * one's start), nothing else. Returns the round trips done, 0 on failure.
 */
static uint32_t timed_round_trips(const struct role_spec *spec, const struct connection *connection, const uint8_t *out,
				  uint8_t *echo, uint64_t *rtt_ns, uint64_t *start_ns, uint64_t *wall_ns,
				  struct error *error)
{
	const uint64_t budget_ns = spec->budget_ms * NS_PER_MS;
	const uint32_t size = spec->size;
	const uint32_t slowness = fault_slowness(spec->server.transport);
	uint64_t start = now_ns();
	uint64_t before = start;
	uint32_t done = 0;

	do {
		uint64_t after;

		if (!connection_send(connection, out, size)) {
			error_errno(error, "send");
			return 0;
		}
		if (!receive_echo(connection, echo, size, error))
			return 0;
		after = fault_slow(slowness, before, now_ns());
		rtt_ns[done++] = after - before;
		before = after;
	} while (done < spec->count && before - start < budget_ns);
	*start_ns = start;
	*wall_ns = before - start;
	return done;
}

bool pingpong_client(const struct role *role, const struct connection *connection, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	uint8_t *out = buffer_new(spec->size);
	uint8_t *echo = buffer_new(spec->size);
	uint64_t *rtt_ns = buffer_new(spec->count * sizeof(*rtt_ns));
	uint64_t start_ns, wall_ns;
	uint32_t done;

	for (uint32_t i = 0; i < spec->warmup; i++) {
		if (!verified_round_trip(role, connection, out, echo, i, error))
			return false;
	}
	payload_fill(out, spec->size, spec->seed, (uint64_t)spec->warmup * spec->size);
	if (!role_barrier(role, connection, error))
		return false;
	done = timed_round_trips(spec, connection, out, echo, rtt_ns, &start_ns, &wall_ns, error);
	if (!done || !role_window_over(role, start_ns, error) || !role_way(role, connection, error))
		return false;
	if (memcmp(out, echo, spec->size) != 0)
		return error_set(error, "integrity: the last timed echo differs");
	if (!verified_round_trip(role, connection, out, echo, (uint64_t)spec->warmup + done, error) ||
	    !role_report_times(role, rtt_ns, done, error))
		return false;
	return role_report(role, error, "done %u %llu %llu %u", spec->role, (unsigned long long)start_ns,
			   (unsigned long long)wall_ns, (unsigned)done);
}

bool pingpong_server(const struct role *role, struct connection *connection, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	const bool corrupt_first = fault_is("corrupt-warmup");
	const bool corrupt_last = fault_is("corrupt-last");
	uint8_t *buffer = buffer_new(spec->size);

	for (uint64_t message = 0;; message++) {
		ssize_t received = connection_receive(connection, buffer, spec->size);

		if (received < 0)
			return error_errno(error, "receive");
		if (received == 0)
			break;
		if ((size_t)received < spec->size)
			return error_set(error, "receive: the client ended the connection in the middle of a message");
		if ((corrupt_first && message == 0) ||
		    (corrupt_last && message == (uint64_t)spec->warmup + spec->count))
			buffer[spec->size / 2] ^= 1;
		if (message == spec->warmup)
			fault_in_window();
		if (!connection_send(connection, buffer, spec->size))
			return error_errno(error, "send");
	}
	connection_close(connection);
	return role_report(role, error, "done %u", spec->role);
}
