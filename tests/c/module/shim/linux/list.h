/* An RCU list is a list here, as nothing runs beside the reader. */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include <kernel.h>

#include "linked_list.h"

#define LIST_HEAD(name) struct list_head name = {&(name), &(name)}

/* A reader that stands on the entry may still go forward. */
static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	entry->prev = NULL;
}

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

struct hlist_node {
	struct hlist_node *next, **link;
};

struct hlist_head {
	struct hlist_node *first;
};

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->link;
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	node->link = &head->first;
	if (node->next)
		node->next->link = &node->next;
	head->first = node;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	*node->link = node->next;
	if (node->next)
		node->next->link = node->link;
	node->next = NULL;
	node->link = NULL;
}

#define hlist_entry_or_null(ptr, type, member) ((ptr) ? container_of(ptr, type, member) : NULL)
#define hlist_for_each_entry(pos, head, member)                                            \
	for (pos = hlist_entry_or_null((head)->first, typeof(*pos), member); pos;          \
	     pos = hlist_entry_or_null(pos->member.next, typeof(*pos), member))

#define list_add_rcu list_add
#define list_del_rcu list_del
#define list_for_each_entry_rcu list_for_each_entry

#endif
