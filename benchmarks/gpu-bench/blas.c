#include "blas.h"

#include <stdlib.h>

#include "library.h"

struct blas_api {
	void (*cblas_dgemm)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha, const double *a, int lda,
			    const double *b, int ldb, double beta, double *c, int ldc);
};

/* The two values of the standard C interface that are used here. */
enum { ROWS_FIRST = 101, AS_IT_IS = 111 };

bool blas_product(const double *a, const double *b, double *c, uint32_t n)
{
	static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", NULL};
	static const struct library_symbol symbols[] = {{"cblas_dgemm", offsetof(struct blas_api, cblas_dgemm)}};
	struct error error = {.text = ""};
	struct blas_api blas;
	const int side = (int)n;
	void *library;

	/* By an old AMD CPU's numbers, which emulators show, OpenBLAS takes kernels with 3DNow!, and they may have none of it. Its
	   plainest kernels run on every 64-bit CPU with SSE3. */
	if (!__builtin_cpu_supports("avx"))
		setenv("OPENBLAS_CORETYPE", "Prescott", 0);
	library = library_open(NULL, names, "", &error);

	if (!library || !library_functions(library, symbols, 1, &blas, &error))
		return false;
	blas.cblas_dgemm(ROWS_FIRST, AS_IT_IS, AS_IT_IS, side, side, side, 1.0, a, side, b, side, 0.0, c, side);
	return true;
}
