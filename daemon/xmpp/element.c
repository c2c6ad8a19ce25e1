/* The tree: building it, finding in it, copying it. */
#include "daemon/xmpp/xmpp.h"

static struct slice kept(struct xmpp_builder *b, struct slice text)
{
	struct slice copy = arena_copy(b->arena, text);

	if (!copy.ptr)
		b->is_broken = true;
	return copy;
}

static struct xmpp_element *node_new(struct xmpp_builder *b, struct xmpp_element *parent)
{
	struct xmpp_element *node = b->is_broken ? NULL : arena_new(b->arena, sizeof *node);

	if (!node) {
		b->is_broken = true;
		return NULL;
	}
	node->parent = parent;
	if (parent) {
		if (parent->last)
			parent->last->next = node;
		else
			parent->first = node;
		parent->last = node;
	}
	return node;
}

/*
 * Once something is broken nothing is added: a root made then would look like
 * a whole tree to somebody who forgets to ask.
 */
struct xmpp_element *xmpp_add(struct xmpp_builder *b, struct xmpp_element *parent, struct slice space,
                              struct slice name)
{
	struct xmpp_element *element = node_new(b, parent);

	if (!element)
		return NULL;
	element->space = parent && slice_equal(parent->space, space) ? parent->space : kept(b, space);
	element->name = kept(b, name);
	return b->is_broken ? NULL : element;
}

struct xmpp_element *xmpp_add_with_text(struct xmpp_builder *b, struct xmpp_element *parent,
                                        struct slice space, struct slice name, struct slice text)
{
	struct xmpp_element *element = xmpp_add(b, parent, space, name);

	xmpp_add_text(b, element, text);
	return b->is_broken ? NULL : element;
}

void xmpp_add_text(struct xmpp_builder *b, struct xmpp_element *parent, struct slice text)
{
	struct xmpp_element *run;

	if (!parent || text.len == 0)
		return;
	run = parent->last;
	if (run && xmpp_is_text(run)) { /* neighbouring runs are one */
		char *joined = b->is_broken ? NULL : arena_new(b->arena, run->text.len + text.len + 1);

		if (!joined) {
			b->is_broken = true;
			return;
		}
		memcpy(joined, run->text.ptr, run->text.len);
		memcpy(joined + run->text.len, text.ptr, text.len);
		run->text = (struct slice){ joined, run->text.len + text.len };
		return;
	}
	if ((run = node_new(b, parent)) != NULL)
		run->text = kept(b, text);
}

void xmpp_set_in(struct xmpp_builder *b, struct xmpp_element *element, struct slice space, struct slice name,
                 struct slice value)
{
	struct xmpp_attribute **at;

	if (!element || b->is_broken)
		return;
	for (at = &element->attributes; *at; at = &(*at)->next)
		if (slice_equal((*at)->name, name) && slice_equal((*at)->space, space))
			break;
	if (!*at) {
		struct xmpp_attribute *attribute = arena_new(b->arena, sizeof *attribute);

		if (!attribute) {
			b->is_broken = true;
			return;
		}
		attribute->space = space.len ? kept(b, space) : SLICE_NONE;
		attribute->name = kept(b, name);
		*at = attribute;
	}
	(*at)->value = kept(b, value);
}

void xmpp_set(struct xmpp_builder *b, struct xmpp_element *element, struct slice name, struct slice value)
{
	xmpp_set_in(b, element, SLICE_NONE, name, value);
}

void xmpp_set_language(struct xmpp_builder *b, struct xmpp_element *element, struct slice language)
{
	xmpp_set_in(b, element, XMPP_NS_XML, SLICE("lang"), language);
}

/* One node without its children. */
static struct xmpp_element *copy_node(struct xmpp_builder *b, struct xmpp_element *parent,
                                      const struct xmpp_element *from)
{
	struct xmpp_element *to;

	if (xmpp_is_text(from)) {
		xmpp_add_text(b, parent, from->text);
		return NULL;
	}
	to = xmpp_add(b, parent, from->space, from->name);
	for (const struct xmpp_attribute *a = from->attributes; a; a = a->next)
		xmpp_set_in(b, to, a->space, a->name, a->value);
	return to;
}

/* Without recursion: a tree may be as deep as its arena allows. */
struct xmpp_element *xmpp_add_copy(struct xmpp_builder *b, struct xmpp_element *parent,
                                   const struct xmpp_element *from)
{
	struct xmpp_element *root, *to;
	const struct xmpp_element *at = from;

	if (!from || xmpp_is_text(from))
		return NULL;
	root = to = copy_node(b, parent, from);
	while (!b->is_broken) {
		if (!xmpp_is_text(at) && at->first) {
			at = at->first;
		} else {
			if (!xmpp_is_text(at) && at != from)
				to = to->parent;
			while (at != from && !at->next) {
				at = at->parent;
				if (at != from)
					to = to->parent;
			}
			if (at == from)
				break;
			at = at->next;
		}

		struct xmpp_element *copy = copy_node(b, to, at);

		if (copy)
			to = copy;
	}
	return b->is_broken ? NULL : root;
}

struct slice xmpp_get_in(const struct xmpp_element *element, struct slice space, struct slice name)
{
	for (const struct xmpp_attribute *a = element ? element->attributes : NULL; a; a = a->next)
		if (slice_equal(a->name, name) && slice_equal(a->space, space))
			return a->value;
	return SLICE_NONE;
}

struct slice xmpp_get(const struct xmpp_element *element, struct slice name)
{
	return xmpp_get_in(element, SLICE_NONE, name);
}

struct slice xmpp_language(const struct xmpp_element *element)
{
	for (; element; element = element->parent) {
		struct slice language = xmpp_get_in(element, XMPP_NS_XML, SLICE("lang"));

		if (language.ptr)
			return language;
	}
	return SLICE_NONE;
}

static const struct xmpp_element *same_from(const struct xmpp_element *at, struct slice space,
                                            struct slice name)
{
	while (at && !xmpp_is(at, space, name))
		at = at->next;
	return at;
}

const struct xmpp_element *xmpp_child(const struct xmpp_element *parent, struct slice space,
                                      struct slice name)
{
	return parent ? same_from(parent->first, space, name) : NULL;
}

const struct xmpp_element *xmpp_next_same(const struct xmpp_element *previous)
{
	return previous ? same_from(previous->next, previous->space, previous->name) : NULL;
}

static const struct xmpp_element *element_from(const struct xmpp_element *at)
{
	while (at && xmpp_is_text(at))
		at = at->next;
	return at;
}

const struct xmpp_element *xmpp_first_element(const struct xmpp_element *parent)
{
	return parent ? element_from(parent->first) : NULL;
}

const struct xmpp_element *xmpp_next_element(const struct xmpp_element *previous)
{
	return previous ? element_from(previous->next) : NULL;
}

struct slice xmpp_text(const struct xmpp_element *element, struct arena *arena)
{
	const struct xmpp_element *only = NULL;
	size_t length = 0, runs = 0, used = 0;
	char *joined;

	for (const struct xmpp_element *at = element ? element->first : NULL; at; at = at->next) {
		if (!xmpp_is_text(at))
			continue;
		only = at;
		length += at->text.len;
		runs++;
	}
	if (runs == 0)
		return SLICE("");
	if (runs == 1)
		return only->text;
	if (!(joined = arena_new(arena, length + 1)))
		return SLICE_NONE;
	for (const struct xmpp_element *at = element->first; at; at = at->next) {
		if (!xmpp_is_text(at))
			continue;
		memcpy(joined + used, at->text.ptr, at->text.len);
		used += at->text.len;
	}
	return (struct slice){ joined, length };
}

struct slice xmpp_child_text(const struct xmpp_element *parent, struct slice space, struct slice name,
                             struct arena *arena)
{
	return xmpp_text(xmpp_child(parent, space, name), arena);
}
