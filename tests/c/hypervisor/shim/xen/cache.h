#ifndef SHIM_XEN_CACHE_H
#define SHIM_XEN_CACHE_H

#define __cacheline_aligned __attribute__((__aligned__(64)))

#endif
