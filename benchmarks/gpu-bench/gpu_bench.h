/*
 * gpu-bench: a matrix product, a stencil and plain transfers on a GPU, through OpenCL or CUDA, wherever the device is: in
 * this machine, or behind a library that sends each call elsewhere. Two matrices go in, one comes out. Beside it: transfers to
 * memory behind a plain socket, what such a library cannot be faster than.
 *
 * Every size is measured by a process of its own, which uses the GPU's libraries from its start to its end: its first
 * run is cold (it connects, compiles, allocates), the others are warm. What the libraries themselves keep on disk, as
 * PoCL does compiled kernels, is the caller's business.
 */
#ifndef GPU_BENCH_H
#define GPU_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPU_BENCH_VERSION "0.1.0"

#define MAX_SIDE 16384u               /* of a matrix: an index of its elements fits 32 bits */
#define MAX_TRANSFER (1u << 30)       /* bytes */
#define MAX_SIZES 64u                 /* in one call of the program */
#define MAX_SWEEPS 100000u
#define MAX_REPETITIONS 100000u
#define MAX_LABEL 32u                 /* bytes of a transport's name */

/* Exit codes of the program. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

enum workload {
	WORKLOAD_MATMUL,   /* C = A B, single precision */
	WORKLOAD_STENCIL,  /* sweeps of the 5-point Jacobi iteration: A the first values, B the sources, C the last values */
	WORKLOAD_TRANSFER, /* bytes to the device and back, nothing computed */
};

/* In the order in which a cold run goes through them; each ends when the device has done all that was asked. */
enum phase {
	PHASE_CONNECT,  /* load the library, find the device, open it */
	PHASE_COMPILE,  /* the kernel from its source; for cuBLAS, its handle */
	PHASE_ALLOCATE, /* the matrices on the device */
	PHASE_COPY_A,
	PHASE_COPY_B,
	PHASE_COMPUTE,
	PHASE_COPY_C,
	PHASES,
};

/* Names as command line and samples spell them. */
const char *workload_name(enum workload workload);
const char *phase_name(enum phase phase);

#endif
