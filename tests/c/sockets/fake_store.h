/* A XenStore of a few nodes with owners and permissions; who may not do something is told so. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "store.h"

/* A node: `writer` is a domain besides the owner that may write, or -1. */
void fake_set(const char *path, const char *text, unsigned int owner, int writer);
void fake_remove(const char *path);
/* The text of a node, or NULL; and whether all may read it and only dom0 write. */
const char *fake_get(const char *path);
bool fake_is_public(const char *path);
void fake_domain(unsigned int domid, bool exists);
void fake_clear(void);
/* How often something was written or removed; whether that is refused. */
extern unsigned int fake_writes;
extern bool fake_refuses;

#endif
