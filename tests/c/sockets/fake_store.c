#include "fake_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 4096
#define DOMAINS_MAX 40000

struct node {
	char path[128], text[256];
	size_t length;
	unsigned int owner;
	int writer;
	bool public;
};

static struct node nodes[NODES_MAX];
static unsigned int nr_nodes;
static bool exists[DOMAINS_MAX];
unsigned int fake_writes;
bool fake_refuses;

static struct node *find(const char *path)
{
	for (unsigned int i = 0; i < nr_nodes; i++)
		if (strcmp(nodes[i].path, path) == 0)
			return &nodes[i];
	return NULL;
}

void fake_set(const char *path, const char *text, unsigned int owner, int writer)
{
	struct node *node = find(path);

	if (!node) {
		if (nr_nodes == NODES_MAX)
			abort();
		node = &nodes[nr_nodes++];
	}
	*node = (struct node){.owner = owner, .writer = writer, .length = strlen(text)};
	snprintf(node->path, sizeof(node->path), "%s", path);
	memcpy(node->text, text, node->length);
}

void fake_remove(const char *path)
{
	size_t length = strlen(path);

	for (unsigned int i = 0; i < nr_nodes; i++)
		if (strncmp(nodes[i].path, path, length) == 0 && (!nodes[i].path[length] || nodes[i].path[length] == '/'))
			nodes[i--] = nodes[--nr_nodes];
}

const char *fake_get(const char *path)
{
	struct node *node = find(path);

	return node ? node->text : NULL;
}

bool fake_is_public(const char *path)
{
	struct node *node = find(path);

	return node && node->public && node->owner == 0 && node->writer < 0;
}

void fake_domain(unsigned int domid, bool there)
{
	exists[domid] = there;
}

void fake_clear(void)
{
	nr_nodes = 0;
	fake_writes = 0;
	fake_refuses = false;
	memset(exists, 0, sizeof(exists));
}

bool store_domain_exists(struct store *store, unsigned int domid)
{
	(void)store;
	return exists[domid];
}

/* Children, each once, in one block as libxenstore has it. */
char **store_list(struct store *store, const char *path, unsigned int *count)
{
	size_t length = strlen(path);
	char **names = malloc(NODES_MAX * (sizeof(char *) + 128));
	char *text = (char *)(names + NODES_MAX);
	bool any = find(path);

	(void)store;
	*count = 0;
	for (unsigned int i = 0; i < nr_nodes; i++) {
		const char *rest = nodes[i].path + length;
		size_t n;
		bool seen = false;

		if (strncmp(nodes[i].path, path, length) != 0 || *rest != '/')
			continue;
		any = true;
		rest++;
		n = strcspn(rest, "/");
		for (unsigned int j = 0; j < *count; j++)
			seen |= strlen(names[j]) == n && strncmp(names[j], rest, n) == 0;
		if (seen)
			continue;
		memcpy(text, rest, n);
		text[n] = '\0';
		names[(*count)++] = text;
		text += n + 1;
	}
	if (any)
		return names;
	free(names);
	return NULL;
}

char *store_read_own(struct store *store, const char *path, size_t *length)
{
	struct node *node = find(path);
	char *text;

	(void)store;
	if (!node || node->owner || node->writer > 0)
		return NULL;
	*length = node->length;
	/* With its terminator, as libxenstore gives it. */
	text = malloc(node->length + 1);
	memcpy(text, node->text, node->length);
	text[node->length] = '\0';
	return text;
}

bool store_publish(struct store *store, const char *path, const char *text)
{
	(void)store;
	if (fake_refuses)
		return false;
	fake_set(path, text, 0, -1);
	find(path)->public = true;
	fake_writes++;
	return true;
}

bool store_remove(struct store *store, const char *path)
{
	(void)store;
	if (fake_refuses)
		return false;
	fake_remove(path);
	fake_writes++;
	return true;
}
