/*
 * Whose is a domain?  Kinds that list several (XMPP partners, SIP federated providers) share none, neither with
 * each other nor with the allowed domains nor with us.
 */
#include <stdlib.h>

#include "shared/base/memory.h"
#include "shared/model/check.h"

static const struct lister {
	enum model_kind_id kind;
	size_t list;         /* the field with its domains */
	bool is_key_one;     /* its key is a domain, too */
	const char *allowed; /* what is right beside an allowed domain */
	const char *blocked; /* ... and beside a blocked one */
} listers[] = {
	{ MODEL_XMPP_PARTNER, MODEL_FIELD(xmpp_partner, additional_domains), true,
	  "a domain is federated with by SIP or by XMPP, never both",
	  "one of the two removed (domain remove, or xmpp remove)" },
	{ MODEL_SIP_PROVIDER, MODEL_FIELD(sip_provider, domains), false,
	  "a domain is reached by an edge of its own or through a provider, never both",
	  "one of the two removed (domain remove, or provider set)" },
};

enum { LISTERS = sizeof listers / sizeof *listers };

struct owned {
	struct slice domain;
	const struct model_object *object;
	const struct lister *lister;
	size_t field; /* that names it */
};

static int by_domain(const void *a, const void *b)
{
	const struct owned *one = a, *other = b;
	int order = slice_compare(one->domain, other->domain);

	if (order)
		return order;
	if (one->lister != other->lister)
		return one->lister < other->lister ? -1 : 1;
	return one->field < other->field ? -1 : one->field > other->field;
}

static bool is_own_xmpp_name(const struct model_snapshot *snapshot, struct slice domain)
{
	const struct model_objects *names = &snapshot->kinds[MODEL_XMPP_NAME];

	for (size_t i = 0; i < names->count; i++)
		if (slice_equal(names->items[i]->values[MODEL_FIELD(xmpp_name, xmpp_domain)].text, domain))
			return true;
	return false;
}

static void check_owned(struct check *check, const struct owned *owned)
{
	const struct model_snapshot *snapshot = check->snapshot;
	struct slice domain = owned->domain;

	if (check_is_own_domain(snapshot, domain) || is_own_xmpp_name(snapshot, domain))
		check_tell(check, owned->object, owned->field, "domains of others",
		           "%.*s is one of our own domains (topology)", SLICE_ARG(domain));
	if (model_snapshot_find(snapshot, MODEL_ALLOWED_DOMAIN, domain))
		check_tell(check, owned->object, owned->field, owned->lister->allowed,
		           "%.*s is also an allowed-domain", SLICE_ARG(domain));
	if (model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, domain))
		check_warn(check, owned->object, owned->field, owned->lister->blocked,
		           "%.*s is also a blocked-domain: nobody can talk with it", SLICE_ARG(domain));
}

static void check_neighbours(struct check *check, const struct owned *first, const struct owned *second)
{
	struct slice domain = second->domain;

	if (!slice_equal(first->domain, domain))
		return;
	if (first->object == second->object)
		check_tell(check, second->object, second->field, "each domain once", "%.*s is named twice",
		           SLICE_ARG(domain));
	else
		check_tell(check, second->object, second->field, "a domain belongs to one partner",
		           "%.*s is also a domain of %s %.*s", SLICE_ARG(domain), first->object->kind->name,
		           SLICE_ARG(model_object_key(first->object)));
}

static struct model_list listed(const struct model_object *object, const struct lister *lister)
{
	return object->values[lister->list].list;
}

static size_t count_owned(const struct model_snapshot *snapshot)
{
	size_t count = 0;

	for (size_t l = 0; l < LISTERS; l++) {
		const struct model_objects *objects = &snapshot->kinds[listers[l].kind];

		for (size_t i = 0; i < objects->count; i++)
			count += listers[l].is_key_one + listed(objects->items[i], &listers[l]).count;
	}
	return count;
}

static void gather(const struct model_snapshot *snapshot, struct owned *to)
{
	for (const struct lister *l = listers; l < listers + LISTERS; l++) {
		const struct model_objects *objects = &snapshot->kinds[l->kind];

		for (size_t i = 0; i < objects->count; i++) {
			const struct model_object *object = objects->items[i];
			struct model_list list = listed(object, l);

			if (l->is_key_one)
				*to++ = (struct owned){ model_object_key(object), object, l,
					                object->kind->key };
			for (size_t d = 0; d < list.count; d++)
				*to++ = (struct owned){ list.items[d], object, l, l->list };
		}
	}
}

/* A provider is found by its domains, too: none may be called like one. */
static void check_names(struct check *check, const struct owned *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct model_object *named = model_snapshot_find(check->snapshot, MODEL_SIP_PROVIDER,
		                                                       all[i].domain);

		if (named && all[i].object->kind->id == MODEL_SIP_PROVIDER)
			check_tell(check, named, named->kind->key, "a name that is no domain of a provider",
			           "is also a domain of the provider %.*s",
			           SLICE_ARG(model_object_key(all[i].object)));
	}
}

void check_domains(struct check *check)
{
	size_t count = count_owned(check->snapshot);
	struct owned *all;

	if (count == 0)
		return;
	if (!(all = mem_new_array(count, sizeof *all))) {
		check_tell(check, model_snapshot_one(check->snapshot, MODEL_TOPOLOGY),
		           MODEL_FIELD(topology, sip_domains), "memory for the check",
		           "cannot be compared with partners' domains: out of memory");
		return;
	}
	gather(check->snapshot, all);
	qsort(all, count, sizeof *all, by_domain);
	for (size_t i = 0; i < count; i++) {
		check_owned(check, &all[i]);
		if (i)
			check_neighbours(check, &all[i - 1], &all[i]);
	}
	check_names(check, all, count);
	mem_free(all);
}
