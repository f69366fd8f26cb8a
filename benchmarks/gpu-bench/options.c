#include "options.h"

#include <string.h>

#include "socket_wire.h"
#include "words.h"

#define SMALLEST_TRANSFER 4096u
#define LARGEST_TRANSFER (64u << 20)

static bool number_option(const char *name, const char *text, uint64_t min, uint64_t max, uint32_t *number,
			  struct error *error)
{
	uint64_t value;

	if (!number_field(name, text, min, max, &value, error))
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool label(const char *text)
{
	const size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length <= MAX_LABEL && !text[length];
}

static bool option(struct options *options, const char *name, const char *value, struct error *error)
{
	if (strcmp(name, "--backend") == 0) {
		options->backend = backend_find(value);
		return options->backend || error_set(error, "--backend is opencl, cuda or socket, not %.40s", value);
	}
	if (strcmp(name, "--library") == 0) {
		options->choice.library = value;
		return *value || error_set(error, "--library is empty");
	}
	if (strcmp(name, "--device") == 0) {
		options->choice.part = value;
		return *value || error_set(error, "--device is empty");
	}
	if (strcmp(name, "--server") == 0) {
		struct sockaddr_in unused;

		options->choice.server = value;
		return socket_address(value, &unused, error);
	}
	if (strcmp(name, "--transport") == 0) {
		options->transport = value;
		return label(value) || error_set(error, "--transport is 1 to 32 of a-z, 0-9 and -, not \"%.40s\"", value);
	}
	if (strcmp(name, "--samples") == 0) {
		options->samples = value;
		return *value || error_set(error, "--samples is empty");
	}
	if (strcmp(name, "--repetitions") == 0)
		return number_option(name, value, 0, MAX_REPETITIONS, &options->repetitions, error);
	if (strcmp(name, "--duration") == 0)
		return number_option(name, value, 1, 86400, &options->duration_s, error);
	if (strcmp(name, "--gate") == 0) {
		options->gate = strcmp(value, "stdin") == 0;
		return options->gate || error_set(error, "--gate is stdin, not %.40s", value);
	}
	if (strcmp(name, "--sweeps") == 0)
		return number_option(name, value, 1, MAX_SWEEPS, &options->sweeps, error);
	if (strcmp(name, "--count") == 0)
		return number_option(name, value, 1, 1000000, &options->count, error);
	if (strcmp(name, "--budget-ms") == 0)
		return number_option(name, value, 1, 3600000, &options->budget_ms, error);
	if (strcmp(name, "--timeout") == 0)
		return number_option(name, value, 1, 86400, &options->timeout_s, error);
	if (strcmp(name, "--seed") == 0)
		return number_field(name, value, 0, UINT64_MAX, &options->seed, error);
	if (strcmp(name, "--reference") == 0) {
		options->openblas = strcmp(value, "auto") == 0;
		return options->openblas || strcmp(value, "loop") == 0 ||
		       error_set(error, "--reference is auto or loop, not %.40s", value);
	}
	return error_set(error, "unknown option %.60s", name);
}

static bool size(struct options *options, const char *text, struct error *error)
{
	const bool transfer = options->workload == WORKLOAD_TRANSFER;

	if (options->size_count == MAX_SIZES)
		return error_set(error, "more than %u sizes", MAX_SIZES);
	return number_field("SIZE", text, 1, transfer ? MAX_TRANSFER : MAX_SIDE, &options->sizes[options->size_count++], error);
}

bool options_parse(struct options *options, int argc, char **argv, struct error *error)
{
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (options->list)
				return error_set(error, "devices takes no size: %.40s", argv[i]);
			if (!size(options, argv[i], error))
				return false;
			continue;
		}
		if (options->list && strcmp(argv[i], "--backend") != 0 && strcmp(argv[i], "--library") != 0)
			return error_set(error, "devices takes --backend and --library, not %.60s", argv[i]);
		if (i + 1 == argc)
			return error_set(error, "no value for %.60s", argv[i]);
		if (!option(options, argv[i], argv[i + 1], error))
			return false;
		i++;
	}
	if (options->list)
		return true;
	if (options->backend == &socket_backend && options->workload != WORKLOAD_TRANSFER)
		return error_set(error, "--backend socket computes nothing: it is for transfer");
	if ((options->backend == &socket_backend) != (options->choice.server != NULL))
		return error_set(error, "--backend socket and --server go together");
	if (options->workload == WORKLOAD_TRANSFER && options->repetitions == 0)
		return error_set(error, "a transfer has no cold run, so --repetitions is at least 1");
	if (options->workload == WORKLOAD_TRANSFER && (options->duration_s || options->gate))
		return error_set(error, "a transfer takes neither --duration nor --gate");
	if (options->gate && options->size_count > 1)
		return error_set(error, "--gate is for one size: standard input ends only once");
	if (options->size_count == 0 && options->workload != WORKLOAD_TRANSFER)
		return error_set(error, "no size: the side of a matrix, from 1 to %u", MAX_SIDE);
	if (options->size_count == 0) {
		for (uint64_t bytes = SMALLEST_TRANSFER; bytes <= LARGEST_TRANSFER; bytes *= 2)
			options->sizes[options->size_count++] = bytes;
	}
	return true;
}
