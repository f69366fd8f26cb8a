/* Which device is taken, and what it holds. */
#include <string.h>

#include "check.h"
#include "device.h"
#include "opencl_api.h"
#include "options.h"

bool check_failed;

static void preference(void)
{
	CHECK(device_preference(DEVICE_GPU) > device_preference(DEVICE_ACCELERATOR));
	CHECK(device_preference(DEVICE_ACCELERATOR) > device_preference(DEVICE_CPU));
	CHECK(device_preference(DEVICE_CPU) > device_preference(DEVICE_OTHER));
}

static void chosen_by_text(void)
{
	const struct device_info info = {.platform = "Portable", .name = "pthread-x"};
	const char *const fits[] = {"Portable", "pthread", "Portable: pthread-x", ": "};

	CHECK(device_fits(&(struct device_choice){.part = NULL}, &info));
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		CHECK(device_fits(&(struct device_choice){.part = fits[i]}, &info));
	CHECK(!device_fits(&(struct device_choice){.part = "portable"}, &info));
	CHECK(!device_fits(&(struct device_choice){.part = "GPU"}, &info));
}

static void room(void)
{
	struct device device = {.info = {.name = "small", .memory_bytes = 3000, .allocation_bytes = 2000}};
	struct error error = {.text = ""};

	CHECK(device_has_room(&device, 1000, 3, &error));
	CHECK(!device_has_room(&device, 1001, 3, &error));
	CHECK_HOLDS(error.text, "3 buffers of 1001 bytes are more than the 3000 bytes that small has: choose a smaller size");
	CHECK(!device_has_room(&device, 2001, 1, &error));
	CHECK_HOLDS(error.text, "2001 bytes is more than the 2000 bytes that small allocates at once");
	device.info = (struct device_info){.name = "silent"};
	CHECK(device_has_room(&device, (size_t)1 << 40, 3, &error));
}

struct parse {
	bool list;
	enum workload workload;
	int count;
	char *words[4];
	const char *reason; /* NULL: taken */
};

static void command_lines(void)
{
	static const struct parse cases[] = {
		{false, WORKLOAD_MATMUL, 2, {"64", "128"}, NULL},
		{false, WORKLOAD_MATMUL, 0, {NULL}, "no size: the side of a matrix"},
		{false, WORKLOAD_MATMUL, 1, {"0"}, "SIZE=0 is not a whole number from 1 to 16384"},
		{false, WORKLOAD_MATMUL, 1, {"16385"}, "SIZE=16385 is not"},
		{false, WORKLOAD_STENCIL, 1, {"1e3"}, "SIZE=1e3 is not"},
		{false, WORKLOAD_STENCIL, 3, {"64", "--sweeps", "0"}, "--sweeps=0 is not"},
		{false, WORKLOAD_TRANSFER, 1, {"1073741824"}, NULL},
		{false, WORKLOAD_TRANSFER, 1, {"1073741825"}, "SIZE=1073741825 is not"},
		{false, WORKLOAD_TRANSFER, 2, {"--repetitions", "0"}, "at least 1"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--repetitions", "0"}, NULL},
		{false, WORKLOAD_MATMUL, 2, {"64", "--seed"}, "no value for --seed"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--speed", "9"}, "unknown option --speed"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--backend", "metal"}, "--backend is opencl, cuda or socket, not metal"},
		{false, WORKLOAD_TRANSFER, 4, {"--backend", "socket", "--server", "10.83.0.10:11020"}, NULL},
		{false, WORKLOAD_TRANSFER, 2, {"--backend", "socket"}, "--backend socket and --server go together"},
		{false, WORKLOAD_TRANSFER, 2, {"--server", "10.83.0.10:11020"}, "--backend socket and --server go together"},
		{false, WORKLOAD_TRANSFER, 2, {"--server", "gpu:11020"}, "\"gpu:11020\" is no address and port"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--backend", "socket"}, "--backend socket computes nothing"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--transport", "V4V"}, "--transport is 1 to 32 of"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--transport", ""}, "--transport is 1 to 32 of"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--reference", "mkl"}, "--reference is auto or loop"},
		{false, WORKLOAD_MATMUL, 3, {"64", "--timeout", "0"}, "--timeout=0 is not"},
		{true, WORKLOAD_MATMUL, 2, {"--backend", "cuda"}, NULL},
		{true, WORKLOAD_MATMUL, 2, {"--count", "3"}, "devices takes --backend and --library"},
		{true, WORKLOAD_MATMUL, 1, {"3"}, "devices takes no size: 3"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options = {.list = cases[i].list, .workload = cases[i].workload, .repetitions = 5};
		struct error error = {.text = ""};
		char *words[4];

		memcpy(words, cases[i].words, sizeof(words));
		CHECK(options_parse(&options, cases[i].count, words, &error) == !cases[i].reason);
		if (cases[i].reason)
			CHECK_HOLDS(error.text, cases[i].reason);
	}
}

static void sweep_of_sizes(void)
{
	struct options options = {.workload = WORKLOAD_TRANSFER, .repetitions = 1};
	struct error error = {.text = ""};

	CHECK(options_parse(&options, 0, NULL, &error));
	CHECK(options.size_count == 15 && options.sizes[0] == 4096 && options.sizes[14] == 64u << 20);
}

int main(void)
{
	return RUN(preference) + RUN(chosen_by_text) + RUN(room) + RUN(command_lines) + RUN(sweep_of_sizes) > 0;
}
