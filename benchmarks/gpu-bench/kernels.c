#include "kernels.h"

/* Tiles of 16 x 16 elements in local memory; what lies beyond the matrices counts as zero. */
const char opencl_matmul_source[] =
	"__kernel __attribute__((reqd_work_group_size(16, 16, 1)))\n"
	"void matmul(__global const float *a, __global const float *b, __global float *c, uint n)\n"
	"{\n"
	"	__local float tile_a[16][16], tile_b[16][16];\n"
	"	const uint column = get_global_id(0), row = get_global_id(1);\n"
	"	const uint x = get_local_id(0), y = get_local_id(1);\n"
	"	float sum = 0.0f;\n"
	"\n"
	"	for (uint tile = 0; tile < n; tile += 16) {\n"
	"		tile_a[y][x] = row < n && tile + x < n ? a[row * n + tile + x] : 0.0f;\n"
	"		tile_b[y][x] = column < n && tile + y < n ? b[(tile + y) * n + column] : 0.0f;\n"
	"		barrier(CLK_LOCAL_MEM_FENCE);\n"
	"		for (uint k = 0; k < 16; k++)\n"
	"			sum += tile_a[y][k] * tile_b[k][x];\n"
	"		barrier(CLK_LOCAL_MEM_FENCE);\n"
	"	}\n"
	"	if (row < n && column < n)\n"
	"		c[row * n + column] = sum;\n"
	"}\n";

/* The border keeps its values. */
#define STENCIL_BODY                                                                                                  \
	"KERNEL void stencil(GLOBAL const float *from, GLOBAL const float *sources, GLOBAL float *to, unsigned int n)\n" \
	"{\n"                                                                                                         \
	"	const unsigned int x = COLUMN, y = ROW, at = y * n + x;\n"                                            \
	"\n"                                                                                                          \
	"	if (x >= n || y >= n)\n"                                                                              \
	"		return;\n"                                                                                    \
	"	if (x == 0 || y == 0 || x == n - 1 || y == n - 1)\n"                                                  \
	"		to[at] = from[at];\n"                                                                         \
	"	else\n"                                                                                               \
	"		to[at] = 0.25f * (from[at - n] + from[at + n] + from[at - 1] + from[at + 1] + sources[at]);\n"    \
	"}\n"

const char opencl_stencil_source[] =
	"#define KERNEL __kernel\n"
	"#define GLOBAL __global\n"
	"#define COLUMN get_global_id(0)\n"
	"#define ROW get_global_id(1)\n"
	STENCIL_BODY;

const char cuda_stencil_source[] =
	"#ifdef __cplusplus\n"
	"#define KERNEL extern \"C\" __global__\n"
	"#else\n"
	"#define KERNEL __global__\n"
	"#endif\n"
	"#define GLOBAL\n"
	"#define COLUMN (blockIdx.x * blockDim.x + threadIdx.x)\n"
	"#define ROW (blockIdx.y * blockDim.y + threadIdx.y)\n"
	STENCIL_BODY;
