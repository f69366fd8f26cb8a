#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "socket_wire.h"
#include "supervise.h"

static const char usage[] =
	"usage: gpu-bench devices [--backend B] [--library FILE]\n"
	"       gpu-bench matmul [OPTIONS] SIZE...\n"
	"       gpu-bench stencil [OPTIONS] SIZE...\n"
	"       gpu-bench transfer [OPTIONS] [SIZE...]\n"
	"       gpu-bench serve ADDRESS:PORT\n"
	"       gpu-bench --help | --version\n";

static const char help[] =
	"\n"
	"Times a matrix product, a stencil and plain transfers on a GPU, here or behind a library that reaches it elsewhere.\n"
	"Two matrices go in, one comes out, and every result is checked. One JSON line a sample.\n"
	"\n"
	"  devices    lists the devices: type, memory, platform and name\n"
	"  matmul     product of two single-precision matrices of SIZE x SIZE\n"
	"  stencil    sweeps of a 5-point stencil over SIZE x SIZE values\n"
	"  transfer   SIZE bytes to the device and back; without SIZE, 4 KiB to 64 MiB in powers of two\n"
	"  serve      memory for the back end socket of another domain, until it is killed\n"
	"\n"
	"  --backend B        opencl (default), or cuda: the CUDA run time and cuBLAS (the stencil: NVRTC), found at run time.\n"
	"                     cuda was never run on hardware by its authors, only against a double.\n"
	"                     socket: no device but the memory of a `gpu-bench serve`; transfer then tells what a plain\n"
	"                     TCP socket gives, the ceiling of every device that is reached by one\n"
	"  --server ADDR:PORT where that `gpu-bench serve` listens\n"
	"  --library FILE     libOpenCL or libcudart to use in place of the one found by name\n"
	"  --device TEXT      a device whose \"platform: name\" holds TEXT; else a GPU, an accelerator, a CPU, in this order\n"
	"  --transport NAME   how the device is reached, copied to the samples (default: native)\n"
	"  --samples FILE     append to FILE (default: standard output)\n"
	"  --repetitions N    warm runs after the cold one (default 5); transfer: samples in each direction\n"
	"  --duration S       no warm run begins later than S seconds after the first one (default: all N do)\n"
	"  --gate stdin       prepared and cold run done, says so and waits until standard input ends: several\n"
	"                     clients of one device are let go together\n"
	"  --sweeps N         of the stencil (default 32)\n"
	"  --count N          transfers in a sample, at most (default 20)\n"
	"  --budget-ms MS     a sample's transfers end after it (default 1000)\n"
	"  --timeout S        the longest that a size may take (default 300)\n"
	"  --seed N           of the pseudo-random input (default 1)\n"
	"  --reference R      auto (default): OpenBLAS, if it is found, says what the product is; loop: a plain loop does\n"
	"\n"
	"Exit status: 0 every sample is good, 1 one failed (its line says why) or could not be written, 2 wrong usage.\n";

static int misused(const char *what, const char *word)
{
	fprintf(stderr, "gpu-bench: %s%s\n%s", what, word, usage);
	return EXIT_MISUSED;
}

static void print_device(const struct device_info *info)
{
	printf("%-11s  %10llu MiB  %s: %s (%s)\n", device_type_name(info->type),
	       (unsigned long long)(info->memory_bytes >> 20), info->platform, info->name, info->driver);
}

static int devices_command(const struct options *options)
{
	struct error error = {.text = ""};

	if (options->backend->list(options->choice.library, print_device, &error))
		return EXIT_OK;
	fprintf(stderr, "gpu-bench: %s\n", error.text);
	return EXIT_FAILED;
}

static int workload_command(const struct options *options)
{
	int fd = STDOUT_FILENO;

	if (options->samples) {
		fd = open(options->samples, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (fd < 0) {
			fprintf(stderr, "gpu-bench: %s: %s\n", options->samples, strerror(errno));
			return EXIT_FAILED;
		}
	}
	return supervise(options, fd);
}

int main(int argc, char **argv)
{
	struct options options = {
		.backend = &opencl_backend,
		.transport = "native",
		.repetitions = 5,
		.sweeps = 32,
		.count = 20,
		.budget_ms = 1000,
		.timeout_s = 300,
		.seed = 1,
		.openblas = true,
	};
	struct error error = {.text = ""};

	/* Libraries that write to a server that is gone learn it from the write. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return misused("no command", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		printf("%s%s", usage, help);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("gpu-bench %s\n", GPU_BENCH_VERSION);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "devices") == 0) {
		options.list = true;
		return options_parse(&options, argc - 2, argv + 2, &error) ? devices_command(&options)
									    : misused(error.text, "");
	}
	if (strcmp(argv[1], "serve") == 0) {
		struct sockaddr_in unused;

		if (argc != 3 || !socket_address(argv[2], &unused, &error))
			return misused("serve takes one ADDRESS:PORT", "");
		serve(argv[2], &error);
		fprintf(stderr, "gpu-bench: %s: %s\n", argv[2], error.text);
		return EXIT_FAILED;
	}
	for (int i = WORKLOAD_MATMUL; i <= WORKLOAD_TRANSFER; i++) {
		if (strcmp(argv[1], workload_name((enum workload)i)) != 0)
			continue;
		options.workload = (enum workload)i;
		return options_parse(&options, argc - 2, argv + 2, &error) ? workload_command(&options)
									    : misused(error.text, "");
	}
	return misused("unknown command ", argv[1]);
}
