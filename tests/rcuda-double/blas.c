/*
 * The double's cuBLAS, a library of its own as rCUDA's: it finds the run time by its soname, and with it the one connection
 * to the server whose memory the matrices are in.
 */
#include "client.h"

static int handle_of_blas;

int cublasCreate_v2(int **handle)
{
	*handle = &handle_of_blas;
	return 0;
}

int cublasDestroy_v2(int *handle)
{
	return handle == &handle_of_blas ? 0 : 1;
}

int cublasSgemm_v2(int *handle, int trans_a, int trans_b, int m, int n, int k, const float *alpha, const float *a, int lda,
		   const float *b, int ldb, const float *beta, float *c, int ldc)
{
	if (handle != &handle_of_blas || trans_a || trans_b || n != m || k != m || lda != m || ldb != m || ldc != m ||
	    *alpha != 1 || *beta != 0)
		return 7;
	return double_asks((struct request){
		.op = OP_PRODUCT, .at = number(a), .other = number(b), .result = number(c), .value = (uint64_t)m});
}
