/*
 * A guest's own addresses. The macros are those of Xen: handles are typed, and offsets are counted in elements from
 * an address that the guest chose.
 */
#ifndef SHIM_XEN_GUEST_ACCESS_H
#define SHIM_XEN_GUEST_ACCESS_H

#include <xen/lib.h>

#define DEFINE_XEN_GUEST_HANDLE(name) \
	typedef struct {              \
		name *p;              \
	} guest_handle_##name
#define XEN_GUEST_HANDLE_PARAM(name) guest_handle_##name

DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);

#define guest_handle_cast(handle, type)                   \
	({                                                \
		type *x_ = (handle).p;                    \
		(XEN_GUEST_HANDLE_PARAM(type)){x_};       \
	})
#define guest_handle_from_ptr(ptr, type) ((XEN_GUEST_HANDLE_PARAM(type)){(type *)(ptr)})

/* Both return the number of bytes that were not copied. */
unsigned long raw_copy_from_guest(void *to, unsigned long from, unsigned long count);
unsigned long raw_copy_to_guest(unsigned long to, const void *from, unsigned long count);

#define copy_from_guest_offset(ptr, handle, offset, nr)                                     \
	({                                                                                  \
		typeof(*(ptr)) *to_ = (ptr);                                                \
		(void)((handle).p == to_);                                                  \
		raw_copy_from_guest(to_, (unsigned long)(handle).p + (offset) * sizeof(*to_), \
				    (nr) * sizeof(*to_));                                   \
	})
#define copy_from_guest(ptr, handle, nr) copy_from_guest_offset(ptr, handle, 0, nr)
#define copy_to_guest(handle, ptr, nr)                                                      \
	({                                                                                  \
		const typeof(*(ptr)) *from_ = (ptr);                                        \
		(void)((handle).p == from_);                                                \
		raw_copy_to_guest((unsigned long)(handle).p, from_, (nr) * sizeof(*from_)); \
	})

#endif
