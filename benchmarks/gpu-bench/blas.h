/* OpenBLAS, if it is installed: the reference for the matrix product. */
#ifndef GPU_BENCH_BLAS_H
#define GPU_BENCH_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* C = A B in double precision, n x n in rows. False when OpenBLAS is not found. */
bool blas_product(const double *a, const double *b, double *c, uint32_t n);

#endif
