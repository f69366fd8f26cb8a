/* A frame can be touched only while it is mapped, and mapped only while it is referenced. */
#ifndef SHIM_XEN_DOMAIN_PAGE_H
#define SHIM_XEN_DOMAIN_PAGE_H

#include <xen/mm.h>

void *map_domain_page(mfn_t mfn);
void unmap_domain_page(const void *address);
void *map_domain_page_global(mfn_t mfn);
void unmap_domain_page_global(const void *address);

#define __map_domain_page(page) map_domain_page(page_to_mfn(page))

#endif
