/* What a guest's frame number leads to; the types and the groups are those of x86. */
#ifndef SHIM_ASM_P2M_H
#define SHIM_ASM_P2M_H

#include <xen/mm.h>

struct domain;

typedef enum {
	p2m_ram_rw,
	p2m_invalid,
	p2m_ram_logdirty,
	p2m_ram_ro,
	p2m_mmio_dm,
	p2m_mmio_direct,
	p2m_grant_map_rw,
	p2m_ram_paged,
	p2m_ram_shared,
	p2m_map_foreign,
	p2m_ioreq_server,
} p2m_type_t;

/* P2M_RAM_TYPES of xen/arch/x86/include/asm/p2m.h: it does hold the read-only ones. */
static inline bool p2m_is_ram(p2m_type_t type)
{
	return type == p2m_ram_rw || type == p2m_ram_logdirty || type == p2m_ram_ro || type == p2m_ram_paged ||
	       type == p2m_ram_shared || type == p2m_ioreq_server;
}

int check_get_page_from_gfn(struct domain *d, gfn_t gfn, bool readonly, p2m_type_t *type, struct page_info **page);

#endif
