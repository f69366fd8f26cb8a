/*
 * Doubly linked lists as Linux has them and Xen from there; the part that V4V uses. container_of() and bool come
 * from whoever includes it. What an entry looks like once it was taken out differs: list_del() is each shim's own.
 */
#ifndef LINKED_LIST_H
#define LINKED_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	head->next = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_add(entry, head->prev);
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

#define list_for_each_entry(pos, head, member)                                                  \
	for (pos = list_entry((head)->next, typeof(*pos), member); &pos->member != (head);      \
	     pos = list_entry(pos->member.next, typeof(*pos), member))

#define list_for_each_entry_safe(pos, n, head, member)                                          \
	for (pos = list_entry((head)->next, typeof(*pos), member),                              \
	     n = list_entry(pos->member.next, typeof(*pos), member);                            \
	     &pos->member != (head); pos = n, n = list_entry(n->member.next, typeof(*n), member))

#endif
