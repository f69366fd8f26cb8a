#include "measure_transfer.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "connections.h"
#include "memory.h"
#include "payload.h"

#define WARMUP 2u

/* Each transfer takes its bytes from another place of the source: what an earlier one left would not compare equal. */
#define STRIDE 72u
#define PLACES 1024u

struct transfers {
	const struct options *options;
	struct progress *progress;
	struct device device;
	size_t size;
	uint8_t *source; /* source_bytes() of them */
	uint8_t *target;
	size_t place;    /* of the bytes that the device holds */
	uint64_t *ns;
};

static size_t source_bytes(size_t size)
{
	return size + STRIDE * PLACES;
}

static const uint8_t *held(const struct transfers *transfers)
{
	return transfers->source + transfers->place % PLACES * STRIDE;
}

static bool to_device(struct transfers *transfers, uint64_t *ns, struct error *error)
{
	uint64_t begun;
	const uint8_t *bytes;

	transfers->place++;
	bytes = held(transfers);
	transfers->progress->phase = PHASE_COPY_A;
	begun = now_ns();
	if (!transfers->options->backend->write(&transfers->device, BUFFER_A, bytes, transfers->size, error))
		return false;
	*ns = now_ns() - begun;
	return true;
}

static bool from_device(struct transfers *transfers, uint64_t *ns, struct error *error)
{
	uint64_t begun;

	memset(transfers->target, 0, transfers->size);
	transfers->progress->phase = PHASE_COPY_C;
	begun = now_ns();
	if (!transfers->options->backend->read(&transfers->device, BUFFER_A, transfers->target, transfers->size, error))
		return false;
	*ns = now_ns() - begun;
	for (size_t i = 0; i < transfers->size; i++) {
		if (transfers->target[i] != held(transfers)[i])
			return error_set(error, "wrong bytes: byte %zu of %zu came back as %u, not %u", i, transfers->size,
					 transfers->target[i], held(transfers)[i]);
	}
	return true;
}

static bool sample(struct transfers *transfers, int fd, uint64_t start_ns, uint32_t count, struct error *error)
{
	struct json json = {0};
	const uint64_t wall_ns = now_ns() - start_ns;
	bool ok;

	sample_open(&json, transfers->options, transfers->size, transfers->progress, true);
	json_key(&json, "transfer_ns");
	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++)
		json_u64(&json, transfers->ns[i]);
	json_close(&json, ']');
	json_key(&json, "start_ns");
	json_u64(&json, start_ns);
	json_key(&json, "wall_ns");
	json_u64(&json, wall_ns);
	ok = sample_close(&json, fd, error);
	json_free(&json);
	transfers->progress->ok++;
	return ok;
}

/* One sample: as many transfers one way as its count and its budget allow, at least one. */
static bool one_way(struct transfers *transfers, bool there, int fd, struct error *error)
{
	const struct options *options = transfers->options;
	const uint64_t start_ns = now_ns();
	uint32_t count = 0;
	uint64_t unused;

	transfers->progress->to_device = there;
	do {
		if (!(there ? to_device : from_device)(transfers, &transfers->ns[count], error))
			return false;
		count++;
	} while (count < options->count && now_ns() - start_ns < options->budget_ms * NS_PER_MS);
	/* Bytes that arrived are seen by reading them back, outside the sample's times. */
	return (!there || from_device(transfers, &unused, error)) && sample(transfers, fd, start_ns, count, error);
}

static bool run(struct transfers *transfers, int fd, struct error *error)
{
	const struct options *options = transfers->options;
	struct progress *progress = transfers->progress;
	uint64_t unused;

	if (!options->backend->connect(&transfers->device, &options->choice, error))
		return false;
	progress->info = transfers->device.info;
	progress->connected = true;
	progress->phase = PHASE_ALLOCATE;
	if (!device_has_room(&transfers->device, transfers->size, 1, error) ||
	    !options->backend->allocate(&transfers->device, transfers->size, 1, error))
		return false;
	payload_fill(transfers->source, source_bytes(transfers->size), options->seed, 0);
	for (uint32_t i = 0; i < WARMUP; i++) {
		progress->to_device = true;
		if (!to_device(transfers, &unused, error))
			return false;
		progress->to_device = false;
		if (!from_device(transfers, &unused, error))
			return false;
	}
	for (uint32_t i = 0; i < options->repetitions; i++) {
		progress->repetition = i;
		if (!one_way(transfers, true, fd, error) || !one_way(transfers, false, fd, error))
			return false;
	}
	return connections_report(options, transfers->size, fd, error);
}

bool measure_transfer(const struct options *options, uint64_t size, int fd, struct progress *progress,
		      struct error *error)
{
	const uint64_t needed = source_bytes((size_t)size) + size, available = memory_available();
	struct transfers transfers = {
		.options = options, .progress = progress, .device = {.backend = options->backend}, .size = (size_t)size,
	};
	bool ok;

	/* Asked before: the kernel refuses a single allocation larger than all memory, and that would say less. */
	if (needed > available)
		return error_set(error, "a transfer of %llu bytes needs %llu here, and %llu are available: choose a smaller size",
				 (unsigned long long)size, (unsigned long long)needed, (unsigned long long)available);
	transfers.source = malloc(source_bytes((size_t)size));
	transfers.target = malloc((size_t)size);
	transfers.ns = calloc(options->count, sizeof(uint64_t));
	if (!transfers.source || !transfers.target || !transfers.ns)
		out_of_memory();
	ok = run(&transfers, fd, error);
	options->backend->close(&transfers.device);
	free(transfers.source);
	free(transfers.target);
	free(transfers.ns);
	return ok;
}
