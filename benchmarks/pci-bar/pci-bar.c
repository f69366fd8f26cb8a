/*
 * pci-bar ADDRESS [BAR]: maps a memory region of a PCI device that this domain has, writes a pattern, reads it back and
 * puts back what was there. Only for devices whose region is plain memory, as a frame buffer is: a register has effects.
 * Prints one line: bytes, MB/s of the writes and of the reads. Exit status: 0 what was read is what was written, 1 it is
 * not or there is no such region, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define MOST_BYTES (16u << 20)
#define COMMAND_MEMORY 2u /* bit of the device's command register: it answers to memory accesses */

static const char usage[] =
	"usage: pci-bar ADDRESS [BAR]\n"
	"Maps memory region BAR (0 to 5, default 0) of the PCI device ADDRESS (0000:00:00.0, as lspci -D prints it), writes\n"
	"up to 16 MiB, reads them back, compares, and puts back what was there. Only for regions that are plain memory.\n";

static int fail(const char *what, const char *which)
{
	fprintf(stderr, "pci-bar: %s %s: %s\n", what, which, strerror(errno));
	return EXIT_FAILURE;
}

/* The device must decode its addresses; without a driver nobody has told it to. */
static int enable_memory(const char *folder)
{
	char path[128];
	uint16_t command;
	int fd;

	snprintf(path, sizeof(path), "%s/config", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &command, sizeof(command), 4) != sizeof(command))
		return fail("cannot read", path);
	if (!(command & COMMAND_MEMORY)) {
		command |= COMMAND_MEMORY;
		if (pwrite(fd, &command, sizeof(command), 4) != sizeof(command))
			return fail("cannot write", path);
	}
	close(fd);
	return EXIT_SUCCESS;
}

/* Differs from word to word and from what a fresh device holds. */
static uint64_t pattern(size_t word)
{
	return (word + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static double mb_per_s(size_t bytes, uint64_t ns)
{
	return ns > 0 ? (double)bytes * 1e3 / (double)ns : 0;
}

static int try_region(volatile uint64_t *region, size_t words)
{
	uint64_t *before = malloc(words * sizeof(*before)), start, write_ns, read_ns;
	size_t wrong = 0, first = 0;

	if (!before)
		return fail("no memory for", "what is there");
	for (size_t i = 0; i < words; i++)
		before[i] = region[i];
	start = now_ns();
	for (size_t i = 0; i < words; i++)
		region[i] = pattern(i);
	write_ns = now_ns() - start;
	start = now_ns();
	for (size_t i = 0; i < words; i++) {
		if (region[i] != pattern(i) && wrong++ == 0)
			first = i;
	}
	read_ns = now_ns() - start;
	for (size_t i = 0; i < words; i++)
		region[i] = before[i];
	free(before);
	if (wrong > 0) {
		fprintf(stderr, "pci-bar: %zu of %zu words are not what was written, the first at byte %zu\n", wrong, words,
			first * sizeof(uint64_t));
		return EXIT_FAILURE;
	}
	printf("%zu bytes written at %.0f MB/s and read back right at %.0f MB/s\n", words * sizeof(uint64_t),
	       mb_per_s(words * sizeof(uint64_t), write_ns), mb_per_s(words * sizeof(uint64_t), read_ns));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *bar = argc > 2 ? argv[2] : "0";
	unsigned a, b, c, d;
	char folder[96], path[128];
	struct stat stat;
	void *region;
	size_t bytes;
	int fd, status;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc < 2 || argc > 3 || strlen(argv[1]) != 12 || sscanf(argv[1], "%4x:%2x:%2x.%1x", &a, &b, &c, &d) != 4 ||
	    strlen(bar) != 1 || bar[0] < '0' || bar[0] > '5') {
		fputs(usage, stderr);
		return 2;
	}
	/* Where sysfs is: tests have one of their own. */
	snprintf(folder, sizeof(folder), "%.60s/bus/pci/devices/%s", getenv("PCI_BAR_SYSFS") ? getenv("PCI_BAR_SYSFS") : "/sys",
		 argv[1]);
	snprintf(path, sizeof(path), "%s/resource%s", folder, bar);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) != 0)
		return fail("cannot open", path);
	status = enable_memory(folder);
	if (status != EXIT_SUCCESS)
		return status;
	bytes = stat.st_size > (off_t)MOST_BYTES ? MOST_BYTES : (size_t)stat.st_size;
	if (bytes < sizeof(uint64_t)) {
		fprintf(stderr, "pci-bar: %s is empty\n", path);
		return EXIT_FAILURE;
	}
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (region == MAP_FAILED)
		return fail("cannot map", path);
	return try_region(region, bytes / sizeof(uint64_t));
}
