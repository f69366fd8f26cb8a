/* What the command line asks for. */
#ifndef GPU_BENCH_OPTIONS_H
#define GPU_BENCH_OPTIONS_H

#include "device.h"

struct options {
	bool list;              /* the devices, and nothing is measured */
	enum workload workload;
	const struct backend *backend;
	struct device_choice choice;
	const char *transport;  /* copied to the samples: only the caller knows how the device is reached */
	const char *samples;    /* file to append to; NULL: standard output */
	uint32_t repetitions;   /* warm ones, after the cold one; of a transfer, samples in each direction */
	uint32_t duration_s;    /* of a matrix: no warm run begins so long after the first one; 0: all do */
	bool gate;              /* of a matrix: the warm runs wait for the end of standard input */
	uint32_t sweeps;        /* stencil */
	uint32_t count;         /* transfers in a sample, at most */
	uint32_t budget_ms;     /* of a sample's transfers */
	uint32_t timeout_s;     /* for one size */
	uint64_t seed;
	bool openblas;
	uint64_t sizes[MAX_SIZES]; /* side of a matrix, or bytes */
	size_t size_count;
};

/* Reads everything after the command's name. False says what is wrong. */
bool options_parse(struct options *options, int argc, char **argv, struct error *error);

#endif
