/*
 * The client library of the double of rCUDA (see server.c), under the names of CUDA's run time: what gpu-bench calls of it,
 * each call sent to the server that RCUDA_DEVICE_0=ADDRESS@PORT:0 names.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static int server = -1;

static int connect_server(void)
{
	const int one = 1;
	const char *text = getenv("RCUDA_DEVICE_0");
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	unsigned port;

	if (server >= 0)
		return server;
	if (!text || sscanf(text, "%63[^@]@%u", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -1;
	address.sin_port = htons((uint16_t)port);
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(server, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(server);
		server = -1;
	}
	return server;
}

/* One request, with bytes to send behind it or room for those of the answer. */
static int ask(struct request request, const void *send_bytes, void *room, struct answer *answer)
{
	const int fd = connect_server();

	if (fd < 0 || !send_whole(fd, &request, sizeof(request)) || (send_bytes && !send_whole(fd, send_bytes, request.bytes)) ||
	    !receive_whole(fd, answer, sizeof(*answer)))
		return CODE_GONE;
	if (answer->bytes && (!room || answer->bytes != request.bytes || !receive_whole(fd, room, answer->bytes)))
		return CODE_GONE;
	return (int)answer->code;
}

int double_asks(struct request request)
{
	struct answer answer;

	return ask(request, NULL, NULL, &answer);
}

int cudaGetDeviceCount(int *count)
{
	*count = connect_server() >= 0;
	return *count ? 0 : 100;
}

int cudaSetDevice(int device)
{
	return device == 0 ? 0 : 101;
}

int cudaGetDeviceProperties(void *properties, int device)
{
	struct answer answer;

	return device ? 101 : ask((struct request){.op = OP_NAME, .bytes = NAME_BYTES}, NULL, properties, &answer);
}

int cudaDeviceGetAttribute(int *value, int attribute, int device)
{
	*value = attribute == 75 ? 8 : 6;
	return device ? 101 : 0;
}

int cudaDriverGetVersion(int *version)
{
	*version = 0;
	return 0;
}

int cudaRuntimeGetVersion(int *version)
{
	*version = 0;
	return 0;
}

int cudaMemGetInfo(size_t *free_bytes, size_t *all_bytes)
{
	*free_bytes = *all_bytes = (size_t)256 << 20;
	return 0;
}

int cudaMalloc(void **pointer, size_t bytes)
{
	struct answer answer = {0};
	const int code = ask((struct request){.op = OP_MALLOC, .bytes = bytes}, NULL, NULL, &answer);

	*pointer = (void *)(uintptr_t)answer.value;
	return code;
}

int cudaFree(void *pointer)
{
	return pointer ? double_asks((struct request){.op = OP_FREE, .at = number(pointer)}) : 0;
}

int cudaMemset(void *pointer, int value, size_t bytes)
{
	return double_asks((struct request){.op = OP_MEMSET, .at = number(pointer), .bytes = bytes, .value = (uint8_t)value});
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind)
{
	struct answer answer;

	if (kind == 1)
		return ask((struct request){.op = OP_TO_DEVICE, .at = number(to), .bytes = bytes}, from, NULL, &answer);
	return ask((struct request){.op = OP_FROM_DEVICE, .at = number(from), .bytes = bytes}, NULL, to, &answer);
}

int cudaDeviceSynchronize(void)
{
	return 0;
}

const char *cudaGetErrorString(int code)
{
	return code == CODE_GONE ? "the double's server is gone" : code == 100 ? "no server" : "the double's error";
}
