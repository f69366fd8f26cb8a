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

#define list_add_rcu list_add
#define list_del_rcu list_del
#define list_for_each_entry_rcu list_for_each_entry

#endif
