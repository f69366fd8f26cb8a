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

#define PGT_l1_page_table (1UL << 61)
#define PGT_writable_page (7UL << 61)
#define PGT_type_mask (7UL << 61)
#define PGT_count_mask ((1UL << 50) - 1)

struct domain;

struct page_info {
	struct domain *owner;
	int type;
	struct {
		struct {
			unsigned long type_info;
		} inuse;
	} u;
	/* Of the hypervisor's: beside the one that keeps a domain's memory allocated. */
	unsigned int references, writable;
	unsigned int maps, global_maps;
	unsigned int opened;
	/* What the audit found. */
	unsigned int expected, expected_maps;
	/* Of the operation that goes on: mapped, and typed for writing at that time, which only rings ask for. */
	bool touched, writable_while_mapped;
	unsigned char *before, *marked;
};

struct page_info *mfn_to_page(mfn_t mfn);
mfn_t page_to_mfn(const struct page_info *page);
bool mfn_valid(mfn_t mfn);
const struct domain *page_get_owner(const struct page_info *page);
int get_page_type(struct page_info *page, unsigned long type);
void put_page(struct page_info *page);
void put_page_and_type(struct page_info *page);

#endif
