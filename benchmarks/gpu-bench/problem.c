#include "problem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"
#include "memory.h"
#include "payload.h"

static void *allocate(size_t bytes)
{
	void *memory = malloc(bytes);

	if (!memory)
		out_of_memory();
	return memory;
}

/* Sign and mantissa stay; the exponent becomes -8 to 7. */
static void fill(float *values, size_t count, uint64_t seed)
{
	payload_fill((uint8_t *)values, count * sizeof(*values), seed, 0);
	for (size_t i = 0; i < count; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		bits = (bits & 0x807fffffu) | ((bits >> 23 & 15u) + 119u) << 23;
		memcpy(&values[i], &bits, sizeof(bits));
	}
}

static double *widened(const float *values, size_t count)
{
	double *wide = allocate(count * sizeof(*wide));

	for (size_t i = 0; i < count; i++)
		wide[i] = values[i];
	return wide;
}

/* Row by row, so that the inner loop runs through memory in order. */
static void loop_product(const float *a, const float *b, double *c, uint32_t n)
{
	memset(c, 0, (size_t)n * n * sizeof(*c));
	for (size_t row = 0; row < n; row++) {
		for (size_t k = 0; k < n; k++) {
			const double factor = a[row * n + k];

			for (size_t column = 0; column < n; column++)
				c[row * n + column] += factor * b[k * n + column];
		}
	}
}

static void product_reference(struct problem *problem, bool with_openblas)
{
	const uint32_t n = problem->n;
	const size_t count = (size_t)n * n;

	problem->reference = "loop";
	if (with_openblas) {
		double *a = widened(problem->a, count), *b = widened(problem->b, count);

		if (blas_product(a, b, problem->expected, n))
			problem->reference = "openblas";
		free(a);
		free(b);
	}
	if (strcmp(problem->reference, "loop") == 0)
		loop_product(problem->a, problem->b, problem->expected, n);
	problem->row_norm = allocate(n * sizeof(double));
	problem->column_norm = allocate(n * sizeof(double));
	for (size_t i = 0; i < n; i++) {
		double row = 0, column = 0;

		for (size_t k = 0; k < n; k++) {
			row += (double)problem->a[i * n + k] * problem->a[i * n + k];
			column += (double)problem->b[k * n + i] * problem->b[k * n + i];
		}
		problem->row_norm[i] = sqrt(row);
		problem->column_norm[i] = sqrt(column);
	}
}

static double largest(const float *values, size_t count)
{
	double most = 0;

	for (size_t i = 0; i < count; i++)
		most = fmax(most, fabs((double)values[i]));
	return most;
}

static void stencil_reference(struct problem *problem)
{
	const size_t n = problem->n, count = n * n;
	double *from = widened(problem->a, count), *to = widened(problem->a, count);

	for (uint32_t sweep = 0; sweep < problem->sweeps; sweep++) {
		double *last = from;

		for (size_t y = 1; y + 1 < n; y++) {
			for (size_t x = 1; x + 1 < n; x++) {
				const size_t at = y * n + x;

				to[at] = 0.25 * (from[at - n] + from[at + n] + from[at - 1] + from[at + 1] + problem->b[at]);
			}
		}
		from = to;
		to = last;
	}
	problem->expected = from;
	free(to);
	problem->reference = "loop";
	/* Each sweep adds at most a quarter of the largest source. */
	problem->bound = 5.0 * problem->sweeps * (double)FLT_EPSILON *
			 (largest(problem->a, count) + largest(problem->b, count) * 0.25 * problem->sweeps);
}

bool problem_new(struct problem *problem, enum workload workload, uint32_t n, uint32_t sweeps, uint64_t seed,
		 bool with_openblas, struct error *error)
{
	const size_t count = (size_t)n * n;
	/* Three matrices of floats here, what is expected, and two of doubles while that is computed. */
	const uint64_t needed = (uint64_t)count * (3 * sizeof(float) + 3 * sizeof(double));

	*problem = (struct problem){.workload = workload, .n = n, .sweeps = sweeps, .bytes = count * sizeof(float)};
	if (needed > memory_available())
		return error_set(error, "matrices of %u x %u need %llu bytes here with the reference, and %llu are available: "
				 "choose a smaller size", (unsigned)n, (unsigned)n, (unsigned long long)needed,
				 (unsigned long long)memory_available());
	problem->a = allocate(problem->bytes);
	problem->b = allocate(problem->bytes);
	fill(problem->a, count, seed);
	fill(problem->b, count, seed + 1);
	if (workload == WORKLOAD_STENCIL) {
		stencil_reference(problem);
	} else {
		problem->expected = allocate(count * sizeof(double));
		product_reference(problem, with_openblas);
	}
	return true;
}

bool problem_check(const struct problem *problem, const float *result, double *part, struct error *error)
{
	const size_t n = problem->n;

	*part = 0;
	for (size_t i = 0; i < n * n; i++) {
		const double off = fabs(result[i] - problem->expected[i]);
		const double bound = problem->workload == WORKLOAD_MATMUL
					     ? (double)n * (double)FLT_EPSILON * problem->row_norm[i / n] * problem->column_norm[i % n]
					     : problem->bound;

		/* Written so that a result that is no number is wrong too. */
		if (!(off <= bound))
			return error_set(error, "wrong result: row %zu, column %zu is %g instead of %g, which may be off by %.2g",
					 i / n, i % n, (double)result[i], problem->expected[i], bound);
		*part = fmax(*part, off / bound);
	}
	return true;
}

void problem_free(struct problem *problem)
{
	free(problem->a);
	free(problem->b);
	free(problem->expected);
	free(problem->row_norm);
	free(problem->column_norm);
}
