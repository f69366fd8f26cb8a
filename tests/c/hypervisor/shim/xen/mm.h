/* Frames of memory: owned by a domain, kept by references and typed references (memory.c). */
#ifndef SHIM_XEN_MM_H
#define SHIM_XEN_MM_H

#include <xen/lib.h>

typedef struct {
	unsigned long mfn;
} mfn_t;

typedef struct {
	unsigned long gfn;
} gfn_t;

static inline mfn_t _mfn(unsigned long mfn)
{
	return (mfn_t){mfn};
}

static inline gfn_t _gfn(unsigned long gfn)
{
	return (gfn_t){gfn};
}

#define PGT_writable_page 1UL

struct page_info;

struct page_info *mfn_to_page(mfn_t mfn);
mfn_t page_to_mfn(const struct page_info *page);
int get_page_type(struct page_info *page, unsigned long type);
void put_page(struct page_info *page);
void put_page_and_type(struct page_info *page);

#endif
