/* What the workloads are given and how their results are judged. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "problem.h"

bool check_failed;

static struct problem made(enum workload workload, uint32_t n, uint32_t sweeps, uint64_t seed, bool with_openblas)
{
	struct error error = {.text = ""};
	struct problem problem;

	if (!problem_new(&problem, workload, n, sweeps, seed, with_openblas, &error)) {
		printf("# %s\n", error.text);
		exit(1);
	}
	return problem;
}

/* The product in single precision, as a device computes it, in the order of the tiles or backwards. */
static float *single_product(const struct problem *problem, bool backwards)
{
	const size_t n = problem->n;
	float *result = malloc(problem->bytes);

	for (size_t i = 0; i < n * n; i++) {
		float sum = 0;

		for (size_t k = 0; k < n; k++) {
			const size_t at = backwards ? n - 1 - k : k;

			sum += problem->a[i / n * n + at] * problem->b[at * n + i % n];
		}
		result[i] = sum;
	}
	return result;
}

static void input_is_seeded(void)
{
	struct problem one = made(WORKLOAD_MATMUL, 33, 0, 1, false), same = made(WORKLOAD_MATMUL, 33, 0, 1, false);
	struct problem other = made(WORKLOAD_MATMUL, 33, 0, 3, false);

	CHECK(memcmp(one.a, same.a, one.bytes) == 0 && memcmp(one.b, same.b, one.bytes) == 0);
	CHECK(memcmp(one.a, other.a, one.bytes) != 0 && memcmp(one.a, one.b, one.bytes) != 0);
	problem_free(&one);
	problem_free(&same);
	problem_free(&other);
}

static double entropy(const uint8_t *bytes, size_t count, size_t first)
{
	size_t seen[256] = {0}, all = 0;
	double bits = 0;

	for (size_t i = first; i < count; i += sizeof(float), all++)
		seen[bytes[i]]++;
	for (size_t i = 0; i < 256; i++) {
		if (seen[i])
			bits -= (double)seen[i] / (double)all * log2((double)seen[i] / (double)all);
	}
	return bits;
}

static void input_does_not_compress(void)
{
	struct problem problem = made(WORKLOAD_STENCIL, 256, 1, 1, false);
	double bits = 0;

	for (size_t i = 0; i < problem.bytes / sizeof(float); i++) {
		CHECK(isnormal(problem.a[i]) && fabsf(problem.a[i]) >= 0x1p-8f && fabsf(problem.a[i]) < 0x1p8f);
		if (check_failed)
			break;
	}
	for (size_t i = 0; i < sizeof(float); i++)
		bits += entropy((const uint8_t *)problem.a, problem.bytes, i);
	CHECK(bits > 27.9);
	problem_free(&problem);
}

static void references_agree(void)
{
	struct problem loop = made(WORKLOAD_MATMUL, 65, 0, 5, false), blas = made(WORKLOAD_MATMUL, 65, 0, 5, true);

	CHECK(strcmp(loop.reference, "loop") == 0);
	printf("# with OpenBLAS if there: %s\n", blas.reference);
	for (size_t i = 0; i < 65 * 65; i++)
		CHECK(fabs(loop.expected[i] - blas.expected[i]) <= 65 * DBL_EPSILON * loop.row_norm[i / 65] * loop.column_norm[i % 65]);
	/* Row 2, column 3 by definition. */
	double sum = 0;
	for (size_t k = 0; k < 65; k++)
		sum += (double)loop.a[2 * 65 + k] * loop.b[k * 65 + 3];
	CHECK(fabs(sum - loop.expected[2 * 65 + 3]) <= 65 * DBL_EPSILON * loop.row_norm[2] * loop.column_norm[3]);
	problem_free(&loop);
	problem_free(&blas);
}

static void single_precision_is_right(void)
{
	for (uint32_t n = 1; n <= 257; n = n * 2 + 1) {
		struct problem problem = made(WORKLOAD_MATMUL, n, 0, n, false);

		for (int backwards = 0; backwards < 2; backwards++) {
			struct error error = {.text = ""};
			float *result = single_product(&problem, backwards);
			double part = -1;

			CHECK(problem_check(&problem, result, &part, &error));
			CHECK(part >= 0 && part <= 1);
			free(result);
		}
		problem_free(&problem);
	}
}

/* Every element counts, and so does what is no number. */
static void wrong_is_wrong(void)
{
	struct problem problem = made(WORKLOAD_MATMUL, 64, 0, 9, false);
	const float wrongs[] = {NAN, INFINITY, 0.0f};

	for (size_t at = 0; at < 64 * 64; at += 455) {
		for (size_t i = 0; i < 3; i++) {
			struct error error = {.text = ""};
			float *result = single_product(&problem, false);
			double part;

			result[at] = wrongs[i];
			CHECK(!problem_check(&problem, result, &part, &error));
			CHECK_HOLDS(error.text, "wrong result: row ");
			free(result);
		}
	}
	/* A transposed product is the likely mistake. */
	float *result = single_product(&problem, false), *turned = malloc(problem.bytes);
	struct error error = {.text = ""};
	double part;
	for (size_t i = 0; i < 64 * 64; i++)
		turned[i] = result[i % 64 * 64 + i / 64];
	CHECK(!problem_check(&problem, turned, &part, &error));
	free(turned);
	free(result);
	problem_free(&problem);
}

static void stencil_by_hand(void)
{
	struct problem problem = made(WORKLOAD_STENCIL, 3, 1, 4, false);
	const float *a = problem.a;
	const double centre = 0.25 * ((double)a[1] + a[3] + a[5] + a[7] + problem.b[4]);

	for (size_t i = 0; i < 9; i++)
		CHECK(fabs(problem.expected[i] - (i == 4 ? centre : (double)a[i])) < 1e-12);
	problem_free(&problem);
}

static void stencil_in_single_precision(void)
{
	struct problem problem = made(WORKLOAD_STENCIL, 40, 50, 4, false);
	struct error error = {.text = ""};
	float *from = malloc(problem.bytes), *to = malloc(problem.bytes);
	double part = -1;

	memcpy(from, problem.a, problem.bytes);
	memcpy(to, problem.a, problem.bytes);
	for (uint32_t sweep = 0; sweep < 50; sweep++) {
		float *last = from;

		for (size_t i = 41; i < 39 * 40; i++) {
			if (i % 40 != 0 && i % 40 != 39)
				to[i] = 0.25f * (from[i - 40] + from[i + 40] + from[i - 1] + from[i + 1] + problem.b[i]);
		}
		from = to;
		to = last;
	}
	CHECK(problem_check(&problem, from, &part, &error));
	CHECK(part >= 0 && part <= 1);
	/* One sweep too few, or too many, shows. */
	CHECK(!problem_check(&problem, to, &part, &error));
	free(from);
	free(to);
	problem_free(&problem);
}

static void too_large_for_this_machine(void)
{
	struct error error = {.text = ""};
	struct problem problem;

	/* 2^22 squared elements are 64 TiB a matrix. */
	CHECK(!problem_new(&problem, WORKLOAD_MATMUL, 1u << 22, 0, 1, false, &error));
	CHECK_HOLDS(error.text, "choose a smaller size");
	problem_free(&problem);
}

int main(void)
{
	return RUN(input_is_seeded) + RUN(input_does_not_compress) + RUN(references_agree) + RUN(single_precision_is_right) +
	       RUN(wrong_is_wrong) + RUN(stencil_by_hand) + RUN(stencil_in_single_precision) +
	       RUN(too_large_for_this_machine) > 0;
}
