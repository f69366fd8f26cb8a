/* Migration's view of memory: what was written and not marked stays behind. */
#ifndef SHIM_ASM_PAGING_H
#define SHIM_ASM_PAGING_H

#include <xen/mm.h>

struct domain;

#define paging_mode_translate(d) ((d)->translated)

void paging_mark_dirty(struct domain *d, mfn_t mfn);

#endif
