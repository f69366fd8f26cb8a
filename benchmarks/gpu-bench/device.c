#include "device.h"

#include <stdio.h>
#include <string.h>

static const struct backend *const backends[] = {&opencl_backend, &cuda_backend, &socket_backend};

static const char *const types[] = {
	[DEVICE_OTHER] = "other",
	[DEVICE_CPU] = "cpu",
	[DEVICE_GPU] = "gpu",
	[DEVICE_ACCELERATOR] = "accelerator",
};

const struct backend *backend_find(const char *name)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	return NULL;
}

const char *device_type_name(enum device_type type)
{
	return types[type];
}

unsigned device_preference(enum device_type type)
{
	switch (type) {
	case DEVICE_GPU:
		return 3;
	case DEVICE_ACCELERATOR:
		return 2;
	case DEVICE_CPU:
		return 1;
	case DEVICE_OTHER:
		break;
	}
	return 0;
}

bool device_fits(const struct device_choice *choice, const struct device_info *info)
{
	char text[sizeof(info->platform) + sizeof(info->name) + 2];

	if (!choice->part)
		return true;
	snprintf(text, sizeof(text), "%s: %s", info->platform, info->name);
	return strstr(text, choice->part) != NULL;
}

bool device_has_room(const struct device *device, size_t bytes, unsigned buffers, struct error *error)
{
	const struct device_info *info = &device->info;

	if (info->allocation_bytes && bytes > info->allocation_bytes)
		return error_set(error, "a buffer of %zu bytes is more than the %llu bytes that %.80s allocates at once: "
				 "choose a smaller size", bytes, (unsigned long long)info->allocation_bytes, info->name);
	if (info->memory_bytes && bytes > info->memory_bytes / buffers)
		return error_set(error, "%u buffers of %zu bytes are more than the %llu bytes that %.80s has: "
				 "choose a smaller size", buffers, bytes, (unsigned long long)info->memory_bytes, info->name);
	return true;
}

bool device_stencil(struct device *device, uint32_t n, uint32_t sweeps, enum buffer *result, struct error *error)
{
	enum buffer from = BUFFER_A, to = BUFFER_C;

	for (uint32_t i = 0; i < sweeps; i++) {
		enum buffer last = from;

		if (!device->backend->sweep(device, from, to, n, error))
			return false;
		from = to;
		to = last;
	}
	*result = from;
	return device->backend->finish(device, error);
}
