#include "protocol.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define HELLO_START "agent "

enum { END, KIND, TRANSPORT, SIZE, WARMUP, COUNT, BUDGET_MS, PAIRS, DEADLINE_MS, SEED, TOKEN, ADDR, CID, PORT, DOMID, CLIENT_DOMID, KEYS };

static const char *const keys[KEYS] = {"end",   "kind",        "transport", "size",  "warmup", "count", "budget_ms",
				       "pairs", "deadline_ms", "seed",      "token", "addr",   "cid",   "port",
				       "domid", "client_domid"};

void role_spec_format(char *line, size_t size, const struct role_spec *spec)
{
	char token[2 * BENCH_TOKEN_BYTES + 1];

	hex_format(token, spec->token, BENCH_TOKEN_BYTES);
	snprintf(line, size,
		 "role %u end=%s kind=%s transport=%s size=%u warmup=%u count=%u budget_ms=%u pairs=%u deadline_ms=%u "
		 "seed=%llu token=%s addr=%s cid=%u port=%u domid=%u client_domid=%u",
		 spec->role, spec->is_client ? "client" : "server", kind_name(spec->kind),
		 transport_name(spec->server.transport), (unsigned)spec->size, (unsigned)spec->warmup,
		 (unsigned)spec->count, (unsigned)spec->budget_ms, (unsigned)spec->pairs,
		 (unsigned)spec->deadline_ms, (unsigned long long)spec->seed, token, spec->server.addr,
		 (unsigned)spec->server.cid, (unsigned)spec->server.port, (unsigned)spec->server.domid,
		 (unsigned)spec->server.client_domid);
}

static bool u32_key(int key, char *values[], uint32_t min, uint32_t max, uint32_t *number, struct error *error)
{
	uint64_t wide;

	if (!number_field(keys[key], values[key], min, max, &wide, error))
		return false;
	*number = (uint32_t)wide;
	return true;
}

bool role_spec_parse(char *text, struct role_spec *spec, struct error *error)
{
	char *values[KEYS];
	struct in_addr addr;

	memset(spec, 0, sizeof(*spec));
	if (!role_cut(&text, &spec->role))
		return error_set(error, "role: no role number");
	if (!fields_parse(text, keys, KEYS, NO_REST, values, error))
		return false;
	spec->is_client = strcmp(values[END], "client") == 0;
	if (!spec->is_client && strcmp(values[END], "server") != 0)
		return error_set(error, "end=%.40s is neither client nor server", values[END]);
	if (!kind_parse(values[KIND], &spec->kind))
		return error_set(error, "kind=%.40s is unknown", values[KIND]);
	if (!transport_parse(values[TRANSPORT], &spec->server.transport))
		return error_set(error, "transport=%.40s is unknown", values[TRANSPORT]);
	if (!transport_carries(spec->server.transport, spec->kind))
		return error_set(error, "kind=%s does not go with transport=%s", values[KIND], values[TRANSPORT]);
	if (!hex_parse(values[TOKEN], spec->token, BENCH_TOKEN_BYTES))
		return error_set(error, "token= is not %u hex digits", 2 * BENCH_TOKEN_BYTES);
	if (inet_pton(AF_INET, values[ADDR], &addr) != 1)
		return error_set(error, "addr=%.40s is not an IPv4 address", values[ADDR]);
	inet_ntop(AF_INET, &addr, spec->server.addr, sizeof(spec->server.addr));
	return number_field(keys[SEED], values[SEED], 0, UINT64_MAX, &spec->seed, error) &&
	       u32_key(SIZE, values, 1, BENCH_MAX_SIZE, &spec->size, error) &&
	       u32_key(WARMUP, values, 0, BENCH_MAX_COUNT, &spec->warmup, error) &&
	       u32_key(COUNT, values, kind_times_each(spec->kind), BENCH_MAX_COUNT, &spec->count, error) &&
	       u32_key(BUDGET_MS, values, 1, BENCH_MAX_BUDGET_MS, &spec->budget_ms, error) &&
	       u32_key(PAIRS, values, 1, BENCH_MAX_PAIRS, &spec->pairs, error) &&
	       u32_key(DEADLINE_MS, values, 0, 2 * BENCH_MAX_BUDGET_MS, &spec->deadline_ms, error) &&
	       u32_key(CID, values, 0, UINT32_MAX, &spec->server.cid, error) &&
	       u32_key(PORT, values, 0, UINT32_MAX, &spec->server.port, error) &&
	       u32_key(DOMID, values, 0, UINT16_MAX, &spec->server.domid, error) &&
	       u32_key(CLIENT_DOMID, values, 0, UINT16_MAX, &spec->server.client_domid, error);
}

void hello_format(char *line, size_t size, const struct hello *hello)
{
	snprintf(line, size, HELLO_START "%d version=%s cpus=%u kernel=%s tcp=%s", PROTOCOL_VERSION, hello->version,
		 (unsigned)hello->cpus, hello->kernel, hello->tcp);
}

bool hello_parse(char *line, struct hello *hello, struct error *error)
{
	enum { VERSION, CPUS, KERNEL, TCP, HELLO_KEYS };
	static const char *const hello_keys[HELLO_KEYS] = {"version", "cpus", "kernel", "tcp"};
	char *values[HELLO_KEYS];
	uint64_t number;
	char *cursor = line;
	char *word = word_cut(&cursor);

	if (strcmp(word, "agent") != 0 || !(word = word_cut(&cursor)) ||
	    !number_parse(word, PROTOCOL_VERSION, PROTOCOL_VERSION, &number))
		return error_set(error, "not the greeting of a v4v-bench agent of protocol %d", PROTOCOL_VERSION);
	if (!fields_parse(cursor, hello_keys, HELLO_KEYS, NO_REST, values, error) ||
	    !number_field("cpus", values[CPUS], 1, 65536, &number, error))
		return false;
	hello->cpus = (uint32_t)number;
	snprintf(hello->version, sizeof(hello->version), "%s", values[VERSION]);
	snprintf(hello->kernel, sizeof(hello->kernel), "%s", values[KERNEL]);
	snprintf(hello->tcp, sizeof(hello->tcp), "%s", values[TCP]);
	return true;
}

bool role_cut(char **cursor, unsigned *role)
{
	char *word = word_cut(cursor);
	uint64_t number;

	if (!word || !number_parse(word, 0, 2 * BENCH_MAX_PAIRS - 1, &number))
		return false;
	*role = (unsigned)number;
	return true;
}
