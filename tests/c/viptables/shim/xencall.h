/* As much of libxencall as viptables uses; table_calls.c plays it. */
#ifndef XENCALL_H
#define XENCALL_H

#include <stddef.h>
#include <stdint.h>

typedef struct xencall_handle xencall_handle;

xencall_handle *xencall_open(void *logger, unsigned flags);
int xencall_close(xencall_handle *handle);
int xencall2(xencall_handle *handle, unsigned int op, uint64_t first, uint64_t second);
void *xencall_alloc_buffer(xencall_handle *handle, size_t size);
void xencall_free_buffer(xencall_handle *handle, void *buffer);

#endif
