/*
 * list: doubly linked, inside the objects themselves; a node in no list points to itself.
 */
#ifndef SHARED_BASE_LIST_H
#define SHARED_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
#define LIST_EACH(at, head)            for (struct list *at = (head)->next; at != (head); at = at->next)
/* The body may take `at` out of the list. */
#define LIST_EACH_SAFE(at, head) \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head); at = at##_next, at##_next = at->next)

static inline void list_start(struct list *node) { node->next = node->prev = node; }
static inline bool list_is_empty(const struct list *head) { return head->next == head; }
static inline void list_add_last(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}
static inline void list_add_first(struct list *head, struct list *node)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_start(node);
}

#endif
