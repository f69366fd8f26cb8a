/* What the double's two client libraries share. */
#ifndef RCUDA_DOUBLE_CLIENT_H
#define RCUDA_DOUBLE_CLIENT_H

#include "protocol.h"

/* A request without bytes by the process's connection; the answer's code, CODE_GONE without a server. */
int double_asks(struct request request);

static inline uint64_t number(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

#endif
