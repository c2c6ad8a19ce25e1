/* The rules of SIP federated providers: names that are theirs alone, and what fits which type. */
#include "shared/model/check.h"
#include "shared/model/notice.h"

#define VALUE(object, field) ((object)->values[MODEL_FIELD(sip_provider, field)])

static struct slice proxy_of(const struct model_object *provider) { return VALUE(provider, proxy_fqdn).text; }

static bool is_hosting(const struct model_object *provider)
{
	const struct model_field *type = &provider->kind->fields[MODEL_FIELD(sip_provider, type)];

	return slice_equal(model_choice(type, VALUE(provider, type).number), SLICE("hosting"));
}

static bool is_among(struct model_list list, struct slice domain)
{
	for (size_t i = 0; i < list.count; i++)
		if (slice_equal(list.items[i], domain))
			return true;
	return false;
}

const struct model_object *check_provider_of_proxy(const struct model_snapshot *snapshot, struct slice fqdn)
{
	const struct model_objects *providers = &snapshot->kinds[MODEL_SIP_PROVIDER];

	for (size_t i = 0; fqdn.len && i < providers->count; i++)
		if (slice_equal(proxy_of(providers->items[i]), fqdn))
			return providers->items[i];
	return NULL;
}

/* One edge is one provider's, and neither ours nor a partner's: who comes from it is of one kind alone. */
static void check_proxy(struct check *check, const struct model_object *provider)
{
	const struct model_snapshot *snapshot = check->snapshot;
	const struct model_objects *edges = &snapshot->kinds[MODEL_EDGE];
	const struct model_object *first = check_provider_of_proxy(snapshot, proxy_of(provider));
	bool is_ours = model_snapshot_find(snapshot, MODEL_EDGE, proxy_of(provider)) ||
	               model_snapshot_find(snapshot, MODEL_POOL_MEMBER, proxy_of(provider));

	for (size_t i = 0; i < edges->count; i++)
		is_ours |= slice_equal(edges->items[i]->values[MODEL_FIELD(edge, external_fqdn)].text,
		                       proxy_of(provider));
	if (first && first != provider)
		check_tell(check, provider, MODEL_FIELD(sip_provider, proxy_fqdn), "an edge of its own",
		           "is also the edge of sip-provider %.*s", SLICE_ARG(model_object_key(first)));
	if (is_ours)
		check_tell(check, provider, MODEL_FIELD(sip_provider, proxy_fqdn), "an edge of others",
		           "is one of our own servers (topology)");
}

/* Requests that go out as user(domain)@routing-domain are answered from there. */
static void check_decoration(struct check *check, const struct model_object *provider)
{
	struct slice routing = VALUE(provider, name_decoration_routing_domain).text;
	struct model_list domains = VALUE(provider, domains).list;
	struct model_list excluded = VALUE(provider, name_decoration_excluded_domain_list).list;

	if (routing.len && !is_among(domains, routing))
		check_tell(check, provider, MODEL_FIELD(sip_provider, name_decoration_routing_domain),
		           "one of the provider's domains", "%.*s is none of its domains",
		           SLICE_ARG(routing));
	for (size_t i = 0; i < excluded.count; i++)
		if (!is_among(domains, excluded.items[i]))
			check_warn(check, provider,
			           MODEL_FIELD(sip_provider, name_decoration_excluded_domain_list),
			           "domains of the provider", "%.*s is none of its domains",
			           SLICE_ARG(excluded.items[i]));
}

/* What our pool sends out for our own domains can go to one place only. */
static void check_shared(struct check *check, const struct model_object *provider)
{
	const struct model_objects *providers = &check->snapshot->kinds[MODEL_SIP_PROVIDER];
	size_t field = MODEL_FIELD(sip_provider, enabled_shared_address_space);

	if (!provider->values[field].flag)
		return;
	if (!is_hosting(provider))
		check_tell(check, provider, field, "false, or type hosting",
		           "is on, but a public provider hosts no users of ours");
	for (size_t i = 0; VALUE(provider, enabled).flag && i < providers->count; i++) {
		const struct model_object *other = providers->items[i];

		if (other == provider)
			return;
		if (other->values[field].flag && VALUE(other, enabled).flag)
			check_tell(check, provider, field, "one provider that hosts users of our own domains",
			           "is also on at sip-provider %.*s, and both are enabled",
			           SLICE_ARG(model_object_key(other)));
	}
}

static void check_url(struct check *check, const struct model_object *provider, size_t field)
{
	struct slice url = provider->values[field].text;

	if (url.len && !slice_starts_nocase(url, SLICE("https://")) &&
	    !slice_starts_nocase(url, SLICE("http://")))
		check_tell(check, provider, field, "https://... or http://...",
		           "is no address of a web page");
}

/* Lync's names differ by more than capitals; so do ours, so that a script of its administrators means one of them. */
static void check_identity(struct check *check, const struct model_object *provider)
{
	const struct model_objects *providers = &check->snapshot->kinds[MODEL_SIP_PROVIDER];

	for (size_t i = 0; i < providers->count && providers->items[i] != provider; i++)
		if (slice_equal_nocase(model_object_key(providers->items[i]), model_object_key(provider)))
			check_tell(check, provider, provider->kind->key, "a name of its own",
			           "differs from sip-provider %.*s by capitals only",
			           SLICE_ARG(model_object_key(providers->items[i])));
}

static void warn_of_enabled(struct check *check, const struct model_object *provider)
{
	const struct model_notice *notice = model_notice(provider);

	if (!VALUE(provider, enabled).flag)
		return;
	if (notice)
		check_warn(check, provider, MODEL_FIELD(sip_provider, enabled), "leave it disabled", "%s",
		           notice->words);
	if (!is_hosting(provider) && VALUE(provider, domains).list.count == 0)
		check_warn(check, provider, MODEL_FIELD(sip_provider, domains),
		           "the domains whose users are there",
		           "names no domain: only allowed ones whose SRV record names its edge are reached");
}

void check_sip_provider(struct check *check, const struct model_object *provider)
{
	check_identity(check, provider);
	check_proxy(check, provider);
	check_decoration(check, provider);
	check_shared(check, provider);
	check_url(check, provider, MODEL_FIELD(sip_provider, autodiscover_url));
	check_url(check, provider, MODEL_FIELD(sip_provider, icon_url));
	warn_of_enabled(check, provider);
}
