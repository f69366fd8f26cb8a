/* Source text of the kernels. */
#ifndef GPU_BENCH_KERNELS_H
#define GPU_BENCH_KERNELS_H

/* Work-items of a group in each of two dimensions. */
#define GROUP_SIDE 16u

extern const char opencl_matmul_source[];
/* The stencil's body is one text, with what differs between the languages before it. */
extern const char opencl_stencil_source[];
extern const char cuda_stencil_source[];

#endif
