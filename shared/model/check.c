/* What no single row can say: the rules between fields and between objects, one function each. */
#include <stdio.h>

#include "shared/base/text.h"
#include "shared/model/check.h"

enum { ADDRESS_KEPT_BYTES = 64 };

static const char *required_words(const struct model_field *field)
{
	return field->flags & MODEL_KEY ? "every object of this kind has a name"
	                                : "this field has no default";
}

static void call_each(struct check *check, const struct model_fault *fault)
{
	if (!fault->is_warning)
		check->count++;
	check->each(check->to, fault);
}

void check_tell(struct check *check, const struct model_object *object, size_t field, const char *allowed,
                const char *format, ...)
{
	struct model_fault fault = { .object = object, .field = field, .allowed = allowed };
	va_list args;

	va_start(args, format);
	vsnprintf(fault.why.text, sizeof fault.why.text, format, args);
	va_end(args);
	call_each(check, &fault);
}

void check_warn(struct check *check, const struct model_object *object, size_t field, const char *allowed,
                const char *format, ...)
{
	struct model_fault fault = {
		.object = object, .field = field, .allowed = allowed, .is_warning = true
	};
	va_list args;

	va_start(args, format);
	vsnprintf(fault.why.text, sizeof fault.why.text, format, args);
	va_end(args);
	call_each(check, &fault);
}

static bool is_empty(const struct model_object *object, size_t field)
{
	return model_value_is_empty(&object->kind->fields[field], &object->values[field]);
}

static void check_required(struct check *check, const struct model_object *object)
{
	for (size_t i = 0; i < object->kind->field_count; i++) {
		const struct model_field *field = &object->kind->fields[i];

		if (field->flags & (MODEL_REQUIRED | MODEL_KEY) && is_empty(object, i))
			check_tell(check, object, i, required_words(field), "is missing");
	}
}

/* A certificate alone would leave the other side unchecked, or refused without end. */
static void check_certificates(struct check *check, const struct model_object *edge)
{
	static const struct {
		size_t certificate, trust;
	} pairs[] = {
		{ MODEL_FIELD(edge, external_certificate), MODEL_FIELD(edge, external_trust) },
		{ MODEL_FIELD(edge, internal_certificate), MODEL_FIELD(edge, internal_trust) },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (!is_empty(edge, pairs[i].certificate) && is_empty(edge, pairs[i].trust))
			check_tell(check, edge, pairs[i].trust,
			           "a file with the authorities of the other side", "is missing beside %s",
			           edge->kind->fields[pairs[i].certificate].name);
}

/* With the port it will have: "192.0.2.1" and "192.0.2.1:5061" are the same place. */
static const char *with_port(struct slice address, const char *port, char to[ADDRESS_KEPT_BYTES])
{
	size_t colon = slice_find(address, ':');
	bool is_bare_v6 = address.len && address.ptr[0] != '[' && colon < address.len &&
	                  slice_find(slice_after(address, colon + 1), ':') < address.len - colon - 1;
	bool is_boxed_v6 = address.len && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']';

	if (is_bare_v6)
		snprintf(to, ADDRESS_KEPT_BYTES, "[%.*s]:%s", SLICE_ARG(address), port);
	else if (is_boxed_v6 || colon == address.len)
		snprintf(to, ADDRESS_KEPT_BYTES, "%.*s:%s", SLICE_ARG(address), port);
	else
		snprintf(to, ADDRESS_KEPT_BYTES, "%.*s", SLICE_ARG(address));
	return to;
}

/* What an edge listens on, and the port where an address names none. */
static const struct listened {
	size_t field;
	const char *port;
} listened[] = {
	{ MODEL_FIELD(edge, external_listen), "5061" },
	{ MODEL_FIELD(edge, internal_listen), "5061" },
	{ MODEL_FIELD(edge, xmpp_listen), "5269" },
	{ MODEL_FIELD(edge, xmpp_tls_listen), "5270" },
};

static void check_two_listeners(struct check *check, const struct model_object *edge,
                                const struct listened *before, const struct listened *after)
{
	struct model_list first = edge->values[before->field].list, second = edge->values[after->field].list;
	const char *name = edge->kind->fields[before->field].name;
	char one[ADDRESS_KEPT_BYTES], other[ADDRESS_KEPT_BYTES];

	for (size_t i = 0; i < second.count; i++)
		for (size_t o = 0; o < first.count; o++)
			if (strcmp(with_port(second.items[i], after->port, one),
			           with_port(first.items[o], before->port, other)) == 0)
				check_tell(check, edge, after->field, "addresses or ports of its own",
				           "%s is also in %s", one, name);
}

static void check_listeners(struct check *check, const struct model_object *edge)
{
	for (size_t i = 1; i < sizeof listened / sizeof *listened; i++)
		for (size_t o = 0; o < i; o++)
			check_two_listeners(check, edge, &listened[o], &listened[i]);
}

static void check_edge(struct check *check, const struct model_object *edge)
{
	check_certificates(check, edge);
	check_listeners(check, edge);
	check_edge_place(check, edge);
}

static void check_pool_member(struct check *check, const struct model_object *member)
{
	if (model_snapshot_find(check->snapshot, MODEL_EDGE, model_object_key(member)))
		check_tell(check, member, member->kind->key, "a server behind the edge",
		           "is an edge of this topology");
	check_member_place(check, member);
}

bool check_is_own_domain(const struct model_snapshot *snapshot, struct slice domain)
{
	struct model_list own =
	        model_snapshot_one(snapshot, MODEL_TOPOLOGY)->values[MODEL_FIELD(topology, sip_domains)].list;

	for (size_t i = 0; i < own.count; i++)
		if (slice_equal(own.items[i], domain))
			return true;
	return false;
}

static void check_listed_domain(struct check *check, const struct model_object *listed)
{
	if (check_is_own_domain(check->snapshot, model_object_key(listed)))
		check_tell(check, listed, listed->kind->key, "domains of others",
		           "is one of our own domains (topology, sip-domains)");
}

static void check_allowed(struct check *check, const struct model_object *allowed)
{
	check_listed_domain(check, allowed);
	if (model_snapshot_find(check->snapshot, MODEL_BLOCKED_DOMAIN, model_object_key(allowed)))
		check_tell(check, allowed, allowed->kind->key, "a domain is allowed or blocked, never both",
		           "is also a blocked-domain");
	check_allowed_route(check, allowed);
}

/* Names as the system's tables may hold them; "group:" alone names nobody. */
static void check_role_grant(struct check *check, const struct model_object *grant)
{
	struct slice name = model_object_key(grant);

	if (slice_starts(name, SLICE(MODEL_GROUP_PREFIX)))
		name = slice_after(name, sizeof MODEL_GROUP_PREFIX - 1);
	if (name.len == 0 || slice_find(name, ':') < name.len || slice_find(name, ' ') < name.len ||
	    slice_find(name, '/') < name.len)
		check_tell(check, grant, grant->kind->key,
		           "a Unix user such as alice, or a group such as group:operators",
		           "names no user or group");
}

static void check_object(struct check *check, const struct model_object *object)
{
	check_required(check, object);
	switch (object->kind->id) {
	case MODEL_TOPOLOGY: check_topology(check, object); break;
	case MODEL_EDGE_POOL: check_edge_pool(check, object); break;
	case MODEL_POOL: check_pool(check, object); break;
	case MODEL_EDGE: check_edge(check, object); break;
	case MODEL_ACCESS_EDGE: check_routing(check, object); break;
	case MODEL_POOL_MEMBER: check_pool_member(check, object); break;
	case MODEL_ALLOWED_DOMAIN: check_allowed(check, object); break;
	case MODEL_BLOCKED_DOMAIN: check_listed_domain(check, object); break;
	case MODEL_ACCESS_POLICY: check_policy(check, object); break;
	case MODEL_XMPP_NAME: check_xmpp_name(check, object); break;
	case MODEL_XMPP_PARTNER: check_xmpp_partner(check, object); break;
	case MODEL_SIP_PROVIDER: check_sip_provider(check, object); break;
	case MODEL_SITE:
		check_site(check, object);
		check_site_routes(check, object);
		break;
	case MODEL_USER: check_user(check, object); break;
	case MODEL_CONFERENCE: check_conference(check, object); break;
	case MODEL_ROLE_GRANT: check_role_grant(check, object); break;
	default: break;
	}
}

size_t model_snapshot_faults(const struct model_snapshot *snapshot,
                             void (*each)(void *to, const struct model_fault *fault), void *to)
{
	struct check check = { snapshot, each, to, 0 };

	for (size_t k = 0; k < MODEL_KIND_COUNT; k++)
		for (size_t i = 0; i < snapshot->kinds[k].count; i++)
			check_object(&check, snapshot->kinds[k].items[i]);
	check_domains(&check);
	if (!model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE(MODEL_POLICY_GLOBAL)))
		check_tell(&check, NULL, 0, "the policy named " MODEL_POLICY_GLOBAL,
		           "has no " MODEL_POLICY_GLOBAL " policy");
	return check.count;
}

static void keep_first(void *to, const struct model_fault *fault)
{
	struct reason *reason = to;
	const struct model_object *object = fault->object;
	char key[96];

	if (reason->text[0] || fault->is_warning)
		return;
	if (!object) {
		fail(reason, RESULT_INVALID, "access-policy %s; allowed: %s", fault->why.text,
		     fault->allowed);
		return;
	}
	text_shown(model_object_key(object), key, sizeof key);
	fail(reason, RESULT_INVALID, "%s%s%s%s%s %s; allowed: %s", object->kind->name, key[0] ? " " : "", key,
	     fault->field < object->kind->field_count ? ": " : "",
	     fault->field < object->kind->field_count ? object->kind->fields[fault->field].name : "",
	     fault->why.text, fault->allowed);
}

enum result model_snapshot_check(const struct model_snapshot *snapshot, struct reason *reason)
{
	struct reason first = { "" };

	if (model_snapshot_faults(snapshot, keep_first, &first) == 0)
		return RESULT_OK;
	return fail(reason, RESULT_INVALID, "%s", first.text);
}
