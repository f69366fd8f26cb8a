/*
 * rCUDAd of the double of rCUDA: holds nothing of rCUDA and knows no CUDA. It computes in this machine's memory, one process
 * a connection, what client.c asks for, so that an archive's way to a testbed's domains can be tested. Its times mean nothing.
 *
 *   rCUDAd -i -p PORT     (-i: stay in the foreground)
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"

#define MAX_ALLOCATIONS 64

static struct {
	uint8_t *memory;
	size_t bytes;
} allocations[MAX_ALLOCATIONS];

/* The memory at an address, NULL if `bytes` from it on are not one allocation's. */
static uint8_t *behind(uint64_t address, uint64_t bytes)
{
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		const uint64_t first = (uint64_t)(uintptr_t)allocations[i].memory;

		if (first && address >= first && address - first <= allocations[i].bytes &&
		    bytes <= allocations[i].bytes - (address - first))
			return allocations[i].memory + (address - first);
	}
	return NULL;
}

static uint64_t take(uint64_t bytes)
{
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		if (allocations[i].memory)
			continue;
		allocations[i].memory = malloc(bytes);
		allocations[i].bytes = bytes;
		return (uint64_t)(uintptr_t)allocations[i].memory;
	}
	return 0;
}

static bool give_back(uint64_t address)
{
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		if (!address || (uint64_t)(uintptr_t)allocations[i].memory != address)
			continue;
		free(allocations[i].memory);
		allocations[i].memory = NULL;
		return true;
	}
	return false;
}

/* By columns, as BLAS counts. */
static bool product(const struct request *request)
{
	const uint64_t n = request->value, bytes = n * n * sizeof(float);
	const float *a = (const float *)behind(request->at, bytes), *b = (const float *)behind(request->other, bytes);
	float *c = (float *)behind(request->result, bytes);

	if (n == 0 || n > 16384 || !a || !b || !c)
		return false;
	memset(c, 0, bytes);
	for (uint64_t column = 0; column < n; column++) {
		for (uint64_t i = 0; i < n; i++) {
			const float factor = b[column * n + i];

			for (uint64_t row = 0; row < n; row++)
				c[column * n + row] += a[i * n + row] * factor;
		}
	}
	return true;
}

/* False when the connection is over. */
static bool serve(int fd, const struct request *request)
{
	struct answer answer = {0};
	const void *bytes = NULL;
	char name[NAME_BYTES] = "", host[64] = "";
	uint8_t *memory;

	switch (request->op) {
	case OP_NAME:
		gethostname(host, sizeof(host) - 1);
		snprintf(name, sizeof(name), "double of rCUDA (memory of %s, no CUDA)", host);
		bytes = name;
		answer.bytes = sizeof(name);
		break;
	case OP_MALLOC:
		answer.value = take(request->bytes);
		answer.code = answer.value ? 0 : CODE_MEMORY;
		break;
	case OP_FREE:
		answer.code = give_back(request->at) ? 0 : CODE_INVALID;
		break;
	case OP_MEMSET:
		memory = behind(request->at, request->bytes);
		answer.code = memory ? 0 : CODE_INVALID;
		if (memory)
			memset(memory, (int)request->value, request->bytes);
		break;
	case OP_TO_DEVICE:
		memory = behind(request->at, request->bytes);
		/* What follows cannot be told from requests any more. */
		if (!memory || !receive_whole(fd, memory, request->bytes))
			return false;
		break;
	case OP_FROM_DEVICE:
		bytes = behind(request->at, request->bytes);
		answer.code = bytes ? 0 : CODE_INVALID;
		answer.bytes = bytes ? request->bytes : 0;
		break;
	case OP_PRODUCT:
		answer.code = product(request) ? 0 : CODE_INVALID;
		break;
	default:
		return false;
	}
	return send_whole(fd, &answer, sizeof(answer)) && (!bytes || send_whole(fd, bytes, answer.bytes));
}

int main(int argc, char **argv)
{
	const int one = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || strcmp(argv[1], "-i") != 0 || strcmp(argv[2], "-p") != 0) {
		fprintf(stderr, "usage: rCUDAd -i -p PORT\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)atoi(argv[3]));
	signal(SIGCHLD, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 16) != 0) {
		perror("rCUDAd");
		return 1;
	}
	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && fork() == 0) {
			struct request request;

			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			while (receive_whole(fd, &request, sizeof(request)) && serve(fd, &request))
				continue;
			_exit(0);
		}
		if (fd >= 0)
			close(fd);
	}
}
