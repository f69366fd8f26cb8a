/* Domains and their names from XenStore, where the toolstack writes them and guests cannot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "names.h"

static void read_name(struct xs_handle *store, struct domain_name *domain)
{
	char path[64];
	unsigned int length;
	char *name;

	snprintf(path, sizeof(path), "/local/domain/%u/name", domain->domid);
	name = xs_read(store, XBT_NULL, path, &length);
	if (name && strlen(name) == length && name_valid(name))
		memcpy(domain->name, name, length + 1);
	free(name);
}

bool names_read(struct names *names, struct error *error)
{
	struct xs_handle *store = xs_open(0);
	unsigned int count = 0;
	char **list;

	*names = (struct names){0};
	if (!store)
		return error_set(error, "XenStore cannot be reached: %s; is this dom0, and does xenstored run?",
				 strerror(errno));
	list = xs_directory(store, XBT_NULL, "/local/domain", &count);
	if (!list) {
		error_set(error, "XenStore does not tell which domains run: %s", strerror(errno));
		xs_close(store);
		return false;
	}
	names->domains = calloc(count ? count : 1, sizeof(*names->domains));
	if (!names->domains) {
		free(list);
		xs_close(store);
		return error_set(error, "out of memory");
	}
	for (unsigned int i = 0; i < count; i++) {
		uint32_t domid;

		if (!number_parse(&domid, list[i], 0, UINT16_MAX))
			continue;
		names->domains[names->count].domid = (uint16_t)domid;
		read_name(store, &names->domains[names->count++]);
	}
	free(list);
	xs_close(store);
	return true;
}

void names_free(struct names *names)
{
	free(names->domains);
	*names = (struct names){0};
}
