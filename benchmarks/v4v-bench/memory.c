#include "memory.h"

#include <string.h>

#include "clock.h"
#include "io.h"
#include "payload.h"

/* The compiler must take every copy for one that somebody reads. */
static void copy(uint8_t *to, const uint8_t *from, size_t size)
{
	memcpy(to, from, size);
	__asm__ volatile("" : : "r"(to) : "memory");
}

bool memory_client(const struct role *role, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	const uint64_t budget_ns = spec->budget_ms * NS_PER_MS;
	const uint64_t most = spec->count ? spec->count : UINT64_MAX;
	uint8_t *from = buffer_new(spec->size);
	uint8_t *to = buffer_new(spec->size);
	uint64_t messages = 0;
	uint64_t start, now;

	payload_fill(from, spec->size, spec->seed, 0);
	for (uint32_t i = 0; i < spec->warmup; i++)
		copy(to, from, spec->size);
	memset(to, 0, spec->size);
	if (!role_barrier(role, NULL, error))
		return false;
	start = now_ns();
	do {
		copy(to, from, spec->size);
		messages++;
		now = now_ns();
	} while (messages < most && now - start < budget_ns);
	if (!role_window_over(role, start, error))
		return false;
	if (payload_compare(to, spec->size, spec->seed, 0) < spec->size)
		return error_set(error, "integrity: the copy differs");
	return role_report(role, error, "done %u %llu %llu %llu", spec->role, (unsigned long long)start,
			   (unsigned long long)(now - start), (unsigned long long)messages);
}

bool memory_server(const struct role *role, struct error *error)
{
	return role_report(role, error, "listening %u 0", role->spec.role) &&
	       role_report(role, error, "done %u", role->spec.role);
}
