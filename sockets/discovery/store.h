/*
 * XenStore, as far as v4vd needs it. What is read here is only what dom0 owns and no guest may write: a guest that could
 * write its own address could claim that of another.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>

struct store;

struct store *store_open(void);
void store_close(struct store *store);
/* For poll(): readable when something watched has changed. */
int store_fd(struct store *store);
bool store_watch(struct store *store, const char *path);
/* Takes all notices of changes; how many there were. */
unsigned int store_drain(struct store *store);

/* The connection works: false if nothing can be read any more. */
bool store_alive(struct store *store);
bool store_domain_exists(struct store *store, unsigned int domid);

/* Names in a folder; NULL with *count 0 if there is none. Freed with free(). */
char **store_list(struct store *store, const char *path, unsigned int *count);
/* The text of a node that dom0 owns and nobody else may write, with its length; NULL otherwise. Freed with free(). */
char *store_read_own(struct store *store, const char *path, size_t *length);
/* Writes a node that everybody may read and only dom0 may write. */
bool store_publish(struct store *store, const char *path, const char *text);
bool store_remove(struct store *store, const char *path);

#endif
