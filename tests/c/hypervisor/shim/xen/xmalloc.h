/* The heap, counted, and empty when a test says so. */
#ifndef SHIM_XEN_XMALLOC_H
#define SHIM_XEN_XMALLOC_H

#include <xen/lib.h>

#define xmalloc(type) ((type *)machine_alloc(sizeof(type), 1, false))
#define xzalloc(type) ((type *)machine_alloc(sizeof(type), 1, true))
#define xmalloc_array(type, count) ((type *)machine_alloc(sizeof(type), count, false))
#define xzalloc_array(type, count) ((type *)machine_alloc(sizeof(type), count, true))
#define xzalloc_flex_struct(type, field, nr) \
	((type *)machine_alloc_aligned(__alignof__(type), sizeof(type) + (nr) * sizeof(((type *)0)->field[0])))
#define xfree(p) machine_free(p)
#define XFREE(p)            \
	do {                \
		xfree(p);   \
		(p) = NULL; \
	} while (0)

#endif
