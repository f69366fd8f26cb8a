/* XenStore by way of libxenstore. */
#include "store.h"

#include <stdlib.h>
#include <xenstore.h>

struct store {
	struct xs_handle *xs;
};

struct store *store_open(void)
{
	struct store *store = malloc(sizeof(*store));

	if (!store)
		return NULL;
	store->xs = xs_open(0);
	if (store->xs)
		return store;
	free(store);
	return NULL;
}

void store_close(struct store *store)
{
	xs_close(store->xs);
	free(store);
}

int store_fd(struct store *store)
{
	return xs_fileno(store->xs);
}

bool store_watch(struct store *store, const char *path)
{
	return xs_watch(store->xs, path, "v4vd");
}

unsigned int store_drain(struct store *store)
{
	unsigned int count = 0;
	char **notice;

	while ((notice = xs_check_watch(store->xs))) {
		free(notice);
		count++;
	}
	return count;
}

bool store_alive(struct store *store)
{
	unsigned int count;
	char **names = xs_directory(store->xs, XBT_NULL, "/", &count);

	free(names);
	return names;
}

bool store_domain_exists(struct store *store, unsigned int domid)
{
	return xs_is_domain_introduced(store->xs, domid);
}

char **store_list(struct store *store, const char *path, unsigned int *count)
{
	char **names = xs_directory(store->xs, XBT_NULL, path, count);

	if (!names)
		*count = 0;
	return names;
}

/* The first entry is the owner with what all others may; the rest are exceptions. */
static bool only_dom0_writes(struct store *store, const char *path)
{
	unsigned int count;
	struct xs_permissions *perms = xs_get_permissions(store->xs, XBT_NULL, path, &count);
	bool only = perms && count && perms[0].id == 0;

	for (unsigned int i = 0; only && i < count; i++)
		only = !(perms[i].perms & XS_PERM_WRITE) || (i && perms[i].id == 0);
	free(perms);
	return only;
}

char *store_read_own(struct store *store, const char *path, size_t *length)
{
	unsigned int n;
	char *text;

	if (!only_dom0_writes(store, path))
		return NULL;
	text = xs_read(store->xs, XBT_NULL, path, &n);
	if (text)
		*length = n;
	return text;
}

bool store_publish(struct store *store, const char *path, const char *text)
{
	struct xs_permissions all_read = {.id = 0, .perms = XS_PERM_READ};
	unsigned int length = 0;

	while (text[length])
		length++;
	/* A folder on the way there is made by the write, with its parent's permissions: read by nobody else. */
	return xs_write(store->xs, XBT_NULL, path, text, length) &&
	       xs_set_permissions(store->xs, XBT_NULL, path, &all_read, 1);
}

bool store_remove(struct store *store, const char *path)
{
	return xs_rm(store->xs, XBT_NULL, path);
}
