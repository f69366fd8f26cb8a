#include "v4v_bench.h"

#include <stddef.h>
#include <string.h>

static const char *const kinds[] = {
	[KIND_PINGPONG] = "pingpong",
	[KIND_STREAM] = "stream",
	[KIND_CONNECT] = "connect",
	[KIND_IPERF3] = "iperf3",
	[KIND_REDIS_GET] = "redis-get",
	[KIND_MEMCPY] = "memcpy",
};

static const char *const transports[] = {
	[TRANSPORT_TCP] = "tcp",
	[TRANSPORT_TCP_STOCK] = "tcp-stock",
	[TRANSPORT_V4V] = "v4v",
	[TRANSPORT_V4V_SOCKETS] = "v4v-sockets",
	[TRANSPORT_TCP_V4VRUN] = "tcp-v4vrun",
	[TRANSPORT_VCHAN] = "vchan",
	[TRANSPORT_UNIX] = "unix",
	[TRANSPORT_NATIVE] = "native",
};

const char *kind_name(enum kind kind)
{
	return kinds[kind];
}

const char *transport_name(enum transport transport)
{
	return transports[transport];
}

bool transport_uses_v4vrun(enum transport transport)
{
	return transport == TRANSPORT_V4V_SOCKETS || transport == TRANSPORT_TCP_V4VRUN;
}

bool transport_carries(enum transport transport, enum kind kind)
{
	switch (transport) {
	case TRANSPORT_NATIVE:
		return kind == KIND_MEMCPY;
	case TRANSPORT_VCHAN:
		return kind == KIND_PINGPONG || kind == KIND_STREAM;
	case TRANSPORT_TCP_V4VRUN:
		/* At the end of a window all bytes of a stream need not be acknowledged, and so are not counted yet. */
		return kind == KIND_PINGPONG;
	case TRANSPORT_TCP:
	case TRANSPORT_TCP_STOCK:
	case TRANSPORT_V4V:
	case TRANSPORT_V4V_SOCKETS:
	case TRANSPORT_UNIX:
		break;
	}
	return kind != KIND_MEMCPY;
}

bool kind_times_each(enum kind kind)
{
	return kind == KIND_PINGPONG || kind == KIND_CONNECT;
}

bool kind_is_program(enum kind kind)
{
	return kind == KIND_IPERF3 || kind == KIND_REDIS_GET;
}

bool kind_parse(const char *text, enum kind *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(text, kinds[i]) == 0) {
			*kind = (enum kind)i;
			return true;
		}
	}
	return false;
}

bool transport_parse(const char *text, enum transport *transport)
{
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		if (strcmp(text, transports[i]) == 0) {
			*transport = (enum transport)i;
			return true;
		}
	}
	return false;
}
