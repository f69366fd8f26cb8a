/* What a computing workload is given, and what must come out of it. */
#ifndef GPU_BENCH_PROBLEM_H
#define GPU_BENCH_PROBLEM_H

#include "error.h"
#include "gpu_bench.h"

struct problem {
	enum workload workload;
	uint32_t n;             /* side of the matrices */
	uint32_t sweeps;        /* stencil */
	size_t bytes;           /* of one matrix */
	float *a, *b;
	double *expected;
	double *row_norm, *column_norm; /* product: Euclidean norms of A's rows and B's columns */
	double bound;                   /* stencil: of each element's error */
	const char *reference;          /* what computed `expected`: "openblas" or "loop" */
};

/*
 * The values are finite and no compressor gains more than an eighth: sign, mantissa and four bits of the exponent are
 * pseudo-random by the seed. `with_openblas` false takes the plain loop. False when this machine's memory does not suffice.
 */
bool problem_new(struct problem *problem, enum workload workload, uint32_t n, uint32_t sweeps, uint64_t seed,
		 bool with_openblas, struct error *error);

/*
 * Compares a result with what was expected, which was computed in double precision. An element of the product may be off
 * by n * FLT_EPSILON * |row of A| * |column of B|, one of the stencil by 5 * sweeps * FLT_EPSILON * the largest value
 * there can be: the usual bounds of so many additions in single precision. `*part` is the largest error as a part of its
 * bound. False names the first element beyond it.
 */
bool problem_check(const struct problem *problem, const float *result, double *part, struct error *error);

void problem_free(struct problem *problem);

#endif
