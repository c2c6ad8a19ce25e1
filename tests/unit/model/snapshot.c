/* Snapshots: order, copies, differences, and the rules that no single row can say. */
#include "shared/base/memory.h"
#include "shared/model/snapshot.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/model/lines.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void starts_with_one_of_each_and_the_global_policy(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();

	(void)state;
	for (size_t i = 0; i < MODEL_KIND_COUNT; i++) {
		bool is_there = model_kind((enum model_kind_id)i)->cardinality == MODEL_ONE ||
		                i == MODEL_ACCESS_POLICY;

		assert_int_equal(snapshot->kinds[i].count, is_there);
	}
	assert_non_null(model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")));
	assert_null(model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE("global")));
	assert_int_equal(model_snapshot_check(snapshot, NULL), RESULT_OK);
	model_snapshot_free(&snapshot);
	assert_null(snapshot);
}

static void keeps_keys_in_order_whatever_order_they_come_in(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	char line[64];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "blocked-domain d%03u.example", i * 7919 % 1000);
		struct slice kept = arena_copy(&snapshot->arena, slice_of(line));
		assert_int_equal(put(snapshot, kept.ptr), RESULT_OK);
	}
	assert_int_equal(snapshot->kinds[MODEL_BLOCKED_DOMAIN].count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "d%03u.example", i);
		assert_true(slice_equal(model_object_key(snapshot->kinds[MODEL_BLOCKED_DOMAIN].items[i]),
		                        slice_of(line)));
		assert_non_null(model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, slice_of(line)));
	}
	for (unsigned i = 0; i < 1000; i += 2) {
		snprintf(line, sizeof line, "d%03u.example", i);
		assert_int_equal(model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN, slice_of(line)),
		                 RESULT_OK);
		assert_int_equal(model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN, slice_of(line)),
		                 RESULT_NOT_FOUND);
	}
	assert_int_equal(snapshot->kinds[MODEL_BLOCKED_DOMAIN].count, 500);
	assert_null(model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, SLICE("d000.example")));
	assert_non_null(model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, SLICE("d999.example")));
	model_snapshot_free(&snapshot);
}

static void refuses_a_key_that_is_taken(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();

	(void)state;
	assert_int_equal(put(snapshot, "allowed-domain a.example"), RESULT_OK);
	assert_int_equal(put(snapshot, "allowed-domain a.example"), RESULT_EXISTS);
	assert_int_equal(put(snapshot, "access-policy Global"), RESULT_EXISTS);
	assert_int_equal(
	        model_snapshot_add(snapshot, model_object_new(&snapshot->arena, model_kind(MODEL_TOPOLOGY))),
	        RESULT_EXISTS);
	model_snapshot_free(&snapshot);
}

static void a_copy_is_equal_and_its_own(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new(), *copy;

	(void)state;
	put(snapshot, "topology sip-domains=contoso.example,contoso.net media=direct");
	put(snapshot, "allowed-domain fabrikam.example proxy-fqdn=sip.fabrikam.example");
	copy = model_snapshot_copy(snapshot);
	assert_non_null(copy);
	assert_true(model_snapshot_equal(snapshot, copy));
	model_snapshot_remove(copy, MODEL_ALLOWED_DOMAIN, SLICE("fabrikam.example"));
	assert_false(model_snapshot_equal(snapshot, copy));
	assert_int_equal(snapshot->kinds[MODEL_ALLOWED_DOMAIN].count, 1);
	model_snapshot_free(&snapshot);
	assert_true(slice_equal(model_snapshot_one(copy, MODEL_TOPOLOGY)
	                                ->values[MODEL_FIELD(topology, sip_domains)]
	                                .list.items[1],
	                        SLICE("contoso.net")));
	model_snapshot_free(&copy);
}

/* ---- differences ---- */

static void write_change(void *to, const struct model_change *change)
{
	static const char *const words[] = { "+", "-", "~" };

	buffer_printf(to, "%s%s/%.*s", words[change->what], change->kind->name, SLICE_ARG(change->key));
	if (change->field < change->kind->field_count)
		buffer_printf(to, ".%s", change->kind->fields[change->field].name);
	buffer_add_char(to, ' ');
}

static void tells_every_change_in_the_order_of_the_table(void **state)
{
	struct model_snapshot *before = model_snapshot_new(), *after = model_snapshot_new();
	struct buffer words;

	(void)state;
	put(before, "allowed-domain b.example");
	put(before, "allowed-domain c.example proxy-port=5062");
	put(before, "allowed-domain d.example");
	put(after, "allowed-domain a.example");
	put(after, "allowed-domain c.example proxy-fqdn=sip.c.example");
	put(after, "allowed-domain d.example");
	put(after, "allowed-domain e.example");
	put(after, "access-edge allow-federated-users=true");
	buffer_start(&words, 4096);
	model_snapshot_diff(before, after, write_change, &words);
	buffer_add_char(&words, '\0');
	assert_string_equal(
	        words.bytes,
	        "~access-edge/.allow-federated-users +allowed-domain/a.example -allowed-domain/b.example "
	        "~allowed-domain/c.example.proxy-fqdn ~allowed-domain/c.example.proxy-port "
	        "+allowed-domain/e.example ");
	buffer_clear(&words);
	model_snapshot_diff(after, after, write_change, &words);
	assert_int_equal(buffer_length(&words), 0);
	buffer_stop(&words);
	model_snapshot_free(&before);
	model_snapshot_free(&after);
}

/* ---- rules ---- */

#define EDGE "edge e.example external-listen=192.0.2.1 external-fqdn=sip.example internal-listen=10.0.0.1"

static const struct {
	const char *behaviour;
	const char *lines[4];
	const char *fault; /* NULL: none */
} rules[] = {
	{ "takes_an_edge_without_certificates", { EDGE }, NULL },
	{ "takes_an_edge_with_certificates_and_trust",
	  { EDGE " internal-certificate=/i internal-trust=/t external-certificate=/e" },
	  NULL },
	{ "refuses_an_internal_certificate_without_trust",
	  { EDGE " internal-certificate=/i" },
	  "edge e.example: internal-trust is missing beside internal-certificate" },
	{ "refuses_an_external_certificate_without_trust",
	  { EDGE " external-certificate=/e external-trust=" },
	  "edge e.example: external-trust is missing" },
	{ "refuses_a_missing_required_field",
	  { "edge e.example external-listen=192.0.2.1 internal-listen=10.0.0.1" },
	  "edge e.example: external-fqdn is missing" },
	{ "refuses_a_missing_required_list",
	  { "edge e.example external-fqdn=sip.example internal-listen=10.0.0.1" },
	  "edge e.example: external-listen is missing" },
	{ "refuses_one_address_on_both_sides",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example "
	    "internal-listen=192.0.2.1:5061" },
	  "edge e.example: internal-listen 192.0.2.1:5061 is also in external-listen" },
	{ "refuses_one_ipv6_address_on_both_sides",
	  { "edge e.example external-listen=[::1]:5061 external-fqdn=s.example internal-listen=::1" },
	  "[::1]:5061 is also in external-listen" },
	{ "takes_one_address_with_two_ports",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example "
	    "internal-listen=192.0.2.1:5062" },
	  NULL },
	{ "refuses_an_edge_as_its_own_pool",
	  { EDGE, "pool-member e.example" },
	  "pool-member e.example: fqdn is an edge" },
	{ "refuses_a_domain_both_allowed_and_blocked",
	  { "allowed-domain x.example", "blocked-domain x.example" },
	  "allowed-domain x.example: domain is also a blocked-domain" },
	{ "takes_a_sub_domain_of_a_blocked_one",
	  { "allowed-domain a.x.example", "blocked-domain x.example" },
	  NULL },
	{ "refuses_to_allow_an_own_domain",
	  { "topology sip-domains=contoso.example", "allowed-domain contoso.example" },
	  "allowed-domain contoso.example: domain is one of our own" },
	{ "refuses_to_block_an_own_domain",
	  { "topology sip-domains=a.example,contoso.example", "blocked-domain contoso.example" },
	  "blocked-domain contoso.example: domain is one of our own" },
	{ "takes_an_xmpp_listener_beside_the_others",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example internal-listen=10.0.0.1 "
	    "xmpp-listen=192.0.2.1" },
	  NULL },
	{ "takes_an_xmpp_listener_for_direct_tls_beside_the_other",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example internal-listen=10.0.0.1 "
	    "xmpp-listen=192.0.2.1 xmpp-tls-listen=192.0.2.1" },
	  NULL },
	{ "refuses_direct_tls_on_the_other_ones_port",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example internal-listen=10.0.0.1 "
	    "xmpp-listen=192.0.2.1:5270 xmpp-tls-listen=192.0.2.1" },
	  "xmpp-tls-listen 192.0.2.1:5270 is also in xmpp-listen" },
	{ "refuses_an_xmpp_listener_on_another_ones_port",
	  { "edge e.example external-listen=192.0.2.1 external-fqdn=s.example internal-listen=10.0.0.1 "
	    "xmpp-listen=10.0.0.1:5061" },
	  "xmpp-listen 10.0.0.1:5061 is also in internal-listen" },
	{ "refuses_a_boxed_ipv6_listener_twice",
	  { "edge e.example external-listen=[::1] external-fqdn=s.example internal-listen=[::1]:5061" },
	  "[::1]:5061 is also in external-listen" },
	{ "takes_an_xmpp_partner",
	  { "xmpp-partner x.example additional-domains=y.example,z.example" },
	  NULL },
	{ "refuses_an_xmpp_partner_that_nothing_authenticates",
	  { "xmpp-partner x.example sasl-negotiation=not-supported support-dialback-negotiation=false" },
	  "xmpp-partner x.example: sasl-negotiation no stream could be authenticated" },
	{ "takes_what_is_doubtful_only", { "xmpp-partner x.example tls-negotiation=optional" }, NULL },
	{ "refuses_a_domain_of_sip_and_xmpp",
	  { "allowed-domain x.example", "xmpp-partner x.example" },
	  "xmpp-partner x.example: domain x.example is also an allowed-domain" },
	{ "refuses_an_additional_domain_of_sip_and_xmpp",
	  { "allowed-domain y.example", "xmpp-partner x.example additional-domains=y.example" },
	  "additional-domains y.example is also an allowed-domain" },
	{ "takes_a_blocked_xmpp_partner", { "blocked-domain x.example", "xmpp-partner x.example" }, NULL },
	{ "refuses_a_domain_of_two_partners",
	  { "xmpp-partner a.example additional-domains=x.example", "xmpp-partner x.example" },
	  "additional-domains x.example is also a domain of xmpp-partner x.example" },
	{ "refuses_an_additional_domain_of_two_partners",
	  { "xmpp-partner a.example additional-domains=x.example",
	    "xmpp-partner b.example additional-domains=w.example,x.example" },
	  "x.example is also a domain of xmpp-partner" },
	{ "refuses_a_domain_named_twice",
	  { "xmpp-partner a.example additional-domains=x.example,a.example" },
	  "additional-domains a.example is named twice" },
	{ "refuses_an_own_domain_as_partner",
	  { "topology sip-domains=contoso.example", "xmpp-partner contoso.example" },
	  "contoso.example is one of our own domains" },
	{ "refuses_an_own_xmpp_name_as_partner",
	  { "topology sip-domains=contoso.example",
	    "xmpp-name contoso.example xmpp-domain=im.contoso.example",
	    "xmpp-partner x.example additional-domains=im.contoso.example" },
	  "im.contoso.example is one of our own domains" },
	{ "takes_another_name_in_xmpp",
	  { "topology sip-domains=contoso.example",
	    "xmpp-name contoso.example xmpp-domain=im.contoso.example" },
	  NULL },
	{ "refuses_an_xmpp_name_of_others",
	  { "topology sip-domains=contoso.example", "xmpp-name x.example xmpp-domain=im.x.example" },
	  "xmpp-name x.example: sip-domain is none of our own domains" },
	{ "refuses_two_domains_under_one_xmpp_name",
	  { "topology sip-domains=a.example,b.example", "xmpp-name a.example xmpp-domain=im.example",
	    "xmpp-name b.example xmpp-domain=im.example" },
	  "xmpp-name b.example: xmpp-domain is also the name of a.example" },
	{ "refuses_another_own_domain_as_xmpp_name",
	  { "topology sip-domains=a.example,b.example", "xmpp-name a.example xmpp-domain=b.example" },
	  "is another of our own SIP domains" },
	{ "refuses_a_default_route_that_leads_nowhere",
	  { "access-edge routing-method=default-route" },
	  "access-edge: default-route-fqdn is missing beside routing-method default-route" },
	{ "takes_a_default_route",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example",
	    "allowed-domain x.example" },
	  NULL },
	{ "refuses_discovery_beside_a_default_route",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example "
	    "enable-partner-discovery=true" },
	  "access-edge: enable-partner-discovery is on beside routing-method default-route" },
	{ "takes_a_named_default_route_that_is_not_used",
	  { "access-edge default-route-fqdn=hub.example enable-partner-discovery=true" },
	  NULL },
	{ "refuses_an_entry_that_the_default_route_cannot_satisfy",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example",
	    "allowed-domain x.example identity=domain" },
	  "allowed-domain x.example: identity is domain, but its messages go by the default route" },
	{ "takes_an_entry_with_an_edge_of_its_own_beside_a_default_route",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example",
	    "allowed-domain x.example identity=domain proxy-fqdn=sip.x.example" },
	  NULL },
	{ "takes_a_policy_that_nobody_has", { "access-policy Sales" }, NULL },
	{ "takes_a_policy_of_a_site", { "site Oslo", "access-policy site:Oslo" }, NULL },
	{ "refuses_a_policy_of_no_site", { "access-policy site:Oslo" }, "names a site that there is not" },
	{ "refuses_a_policy_of_a_nameless_site",
	  { "access-policy site:" },
	  "names a site that there is not" },
	{ "refuses_a_policy_with_another_prefix",
	  { "access-policy tag:Sales" },
	  "access-policy tag:Sales: identity has a colon" },
	{ "refuses_another_global", { "access-policy GLOBAL" }, "looks like Global" },
	{ "takes_a_user_with_site_and_policy",
	  { "topology sip-domains=contoso.example", "site Oslo", "access-policy Sales",
	    "user alice@contoso.example site=Oslo policy=Sales" },
	  NULL },
	{ "refuses_a_user_of_others",
	  { "topology sip-domains=contoso.example", "user alice@fabrikam.example" },
	  "user alice@fabrikam.example: sip-address is in none of our own domains" },
	{ "refuses_a_user_of_a_sub_domain",
	  { "topology sip-domains=contoso.example", "user alice@eu.contoso.example" },
	  "is in none of our own domains" },
	{ "refuses_a_user_at_no_site",
	  { "topology sip-domains=contoso.example", "user alice@contoso.example site=Oslo" },
	  "user alice@contoso.example: site there is no site Oslo" },
	{ "refuses_a_grant_of_no_policy",
	  { "topology sip-domains=contoso.example", "user alice@contoso.example policy=Sales" },
	  "policy there is no policy Sales" },
	{ "refuses_a_grant_of_global",
	  { "topology sip-domains=contoso.example", "user alice@contoso.example policy=Global" },
	  "Global is not granted" },
	{ "refuses_a_grant_of_a_sites_policy",
	  { "topology sip-domains=contoso.example", "site Oslo", "access-policy site:Oslo",
	    "user alice@contoso.example policy=site:Oslo" },
	  "site:Oslo is not granted" },
	{ "takes_sites_with_domains",
	  { "topology sip-domains=a.example,b.example", "site Oslo sip-domains=a.example",
	    "site Rome sip-domains=b.example" },
	  NULL },
	{ "refuses_a_domain_at_two_sites",
	  { "topology sip-domains=a.example", "site Oslo sip-domains=a.example",
	    "site Rome sip-domains=a.example" },
	  "site Rome: sip-domains a.example belongs to the site Oslo" },
	{ "refuses_a_sites_domain_of_others",
	  { "site Oslo sip-domains=a.example" },
	  "a.example is none of our own domains" },
	{ "refuses_a_site_called_like_a_domain",
	  { "topology sip-domains=a.example", "site Oslo sip-domains=a.example", "site a.example" },
	  "is also a domain of the site Oslo" },
	{ "takes_a_public_and_a_hosting_provider",
	  { "sip-provider A proxy-fqdn=a.example domains=x.example,y.example",
	    "sip-provider B type=hosting enabled=true proxy-fqdn=b.example" },
	  NULL },
	{ "refuses_a_provider_without_an_edge", { "sip-provider A" }, "proxy-fqdn is missing" },
	{ "refuses_two_providers_with_one_edge",
	  { "sip-provider A proxy-fqdn=a.example", "sip-provider B type=hosting proxy-fqdn=a.example" },
	  "proxy-fqdn is also the edge of sip-provider A" },
	{ "refuses_names_that_differ_by_capitals",
	  { "sip-provider AOL proxy-fqdn=a.example", "sip-provider aol proxy-fqdn=b.example" },
	  "differs from sip-provider AOL by capitals only" },
	{ "refuses_a_partners_edge_that_is_a_providers",
	  { "sip-provider A proxy-fqdn=a.example", "allowed-domain x.example proxy-fqdn=a.example" },
	  "is the edge of sip-provider A" },
	{ "refuses_a_domain_allowed_and_a_providers",
	  { "sip-provider A proxy-fqdn=a.example domains=x.example", "allowed-domain x.example" },
	  "x.example is also an allowed-domain" },
	{ "refuses_a_domain_of_two_providers",
	  { "sip-provider A proxy-fqdn=a.example domains=x.example",
	    "sip-provider B proxy-fqdn=b.example domains=x.example" },
	  "x.example is also a domain of sip-provider A" },
	{ "refuses_a_domain_of_a_provider_and_an_xmpp_partner",
	  { "xmpp-partner x.example", "sip-provider A proxy-fqdn=a.example domains=x.example" },
	  "x.example is also a domain of xmpp-partner x.example" },
	{ "refuses_our_own_domain_as_a_providers",
	  { "topology sip-domains=x.example", "sip-provider A proxy-fqdn=a.example domains=x.example" },
	  "x.example is one of our own domains" },
	{ "refuses_a_provider_called_like_anothers_domain",
	  { "sip-provider x.example proxy-fqdn=a.example",
	    "sip-provider B proxy-fqdn=b.example domains=x.example" },
	  "is also a domain of the provider B" },
	{ "refuses_one_of_our_servers_as_a_providers_edge",
	  { "pool-member p.example", "sip-provider A proxy-fqdn=p.example" },
	  "is one of our own servers" },
	{ "refuses_a_routing_domain_that_is_none_of_its_domains",
	  { "sip-provider A proxy-fqdn=a.example domains=x.example "
	    "name-decoration-routing-domain=r.example" },
	  "r.example is none of its domains" },
	{ "refuses_shared_addresses_at_a_public_provider",
	  { "sip-provider A proxy-fqdn=a.example enabled-shared-address-space=true" },
	  "a public provider hosts no users of ours" },
	{ "refuses_two_hosts_of_our_domains",
	  { "sip-provider A type=hosting enabled=true proxy-fqdn=a.example enabled-shared-address-space=true",
	    "sip-provider B type=hosting enabled=true proxy-fqdn=b.example "
	    "enabled-shared-address-space=true" },
	  "is also on at sip-provider A, and both are enabled" },
	{ "takes_two_hosts_of_our_domains_of_which_one_is_off",
	  { "sip-provider A type=hosting proxy-fqdn=a.example enabled-shared-address-space=true",
	    "sip-provider B type=hosting enabled=true proxy-fqdn=b.example "
	    "enabled-shared-address-space=true" },
	  NULL },
	{ "refuses_the_default_route_beside_an_enabled_provider",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example",
	    "sip-provider A enabled=true proxy-fqdn=a.example" },
	  "is default-route while sip-provider A is enabled" },
	{ "takes_the_default_route_beside_a_disabled_one",
	  { "access-edge routing-method=default-route default-route-fqdn=hub.example",
	    "sip-provider A proxy-fqdn=a.example" },
	  NULL },
	{ "refuses_an_icon_that_is_no_address",
	  { "sip-provider A proxy-fqdn=a.example icon-url=javascript:1" },
	  "icon-url is no address of a web page" },
};

static void checks_what_no_row_can_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct model_snapshot *snapshot = model_snapshot_new();
		struct reason reason = { "" };
		enum result result;

		print_message("  %s\n", rules[i].behaviour);
		for (size_t l = 0; l < COUNT(rules[i].lines) && rules[i].lines[l]; l++)
			assert_int_equal(put(snapshot, rules[i].lines[l]), RESULT_OK);
		result = model_snapshot_check(snapshot, &reason);
		assert_int_equal(result, rules[i].fault ? RESULT_INVALID : RESULT_OK);
		if (rules[i].fault && !strstr(reason.text, rules[i].fault))
			fail_msg("reason is: %s", reason.text);
		model_snapshot_free(&snapshot);
	}
}

static void refuses_a_snapshot_without_the_global_policy(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct reason reason;

	(void)state;
	model_snapshot_remove(snapshot, MODEL_ACCESS_POLICY, SLICE("Global"));
	assert_int_equal(model_snapshot_check(snapshot, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "Global"));
	model_snapshot_free(&snapshot);
}

static void count_fault(void *to, const struct model_fault *fault)
{
	size_t *count = to;

	assert_true(fault->why.text[0] && fault->allowed[0]);
	(*count)++;
}

static void tells_every_fault_not_only_the_first(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	size_t told = 0;

	(void)state;
	put(snapshot, "edge e.example");
	put(snapshot, "allowed-domain x.example");
	put(snapshot, "blocked-domain x.example");
	assert_int_equal(model_snapshot_faults(snapshot, count_fault, &told), 4);
	assert_int_equal(told, 4);
	model_snapshot_free(&snapshot);
}

static void note_warning(void *to, const struct model_fault *fault)
{
	assert_true(fault->is_warning);
	buffer_printf(to, "%s: %s; ", fault->object->kind->fields[fault->field].name, fault->why.text);
}

static void warns_of_what_may_be_published_all_the_same(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct buffer words;

	(void)state;
	buffer_start(&words, 4096);
	put(snapshot, "xmpp-partner x.example sasl-negotiation=required");
	put(snapshot, "xmpp-partner y.example");
	put(snapshot, "blocked-domain y.example");
	assert_int_equal(model_snapshot_faults(snapshot, note_warning, &words), 0);
	buffer_add_char(&words, '\0');
	assert_string_equal(buffer_slice(&words).ptr,
	                    "sasl-negotiation: dialback is on and never used, because SASL is required; "
	                    "streams are proved by: SASL over TLS; "
	                    "domain: y.example is also a blocked-domain: nobody can talk with it; ");
	assert_int_equal(model_snapshot_check(snapshot, NULL), RESULT_OK);
	buffer_stop(&words);
	model_snapshot_free(&snapshot);
}

/* Shipped ones have ended: whoever enables one is told so, from the table of notices. */
static void warns_of_providers_that_have_ended(void **state)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct buffer words;

	(void)state;
	buffer_start(&words, 4096);
	put(snapshot, "sip-provider A proxy-fqdn=sip.oscar.aol.com domains=aol.com");
	put(snapshot, "sip-provider B proxy-fqdn=b.example enabled=true domains=x.example");
	assert_int_equal(model_snapshot_faults(snapshot, note_warning, &words), 0);
	assert_int_equal(buffer_length(&words), 0);
	put(snapshot, "sip-provider C proxy-fqdn=lcsap.msg.yahoo.com enabled=true");
	assert_int_equal(model_snapshot_faults(snapshot, note_warning, &words), 0);
	buffer_add_char(&words, '\0');
	assert_string_equal(buffer_slice(&words).ptr,
	                    "enabled: Yahoo! ended this service in June 2014: nobody answers there any more; "
	                    "domains: names no domain: only allowed ones whose SRV record "
	                    "names its edge are reached; ");
	buffer_stop(&words);
	model_snapshot_free(&snapshot);
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
#ifdef PARLEY_FAULTS
	for (unsigned long nth = 1;; nth++) {
		struct model_snapshot *snapshot, *copy = NULL;

		mem_fail_at(nth);
		snapshot = model_snapshot_new();
		if (snapshot && put(snapshot, EDGE) == RESULT_OK &&
		    put(snapshot, "allowed-domain x.example comment=x") == RESULT_OK)
			copy = model_snapshot_copy(snapshot);
		bool is_done = mem_count() < nth;

		mem_fail_at(0);
		assert_int_equal(copy != NULL, is_done);
		model_snapshot_free(&snapshot);
		model_snapshot_free(&copy);
		if (is_done)
			break;
		assert_true(nth < 1000);
	}
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_one_of_each_and_the_global_policy),
		cmocka_unit_test(keeps_keys_in_order_whatever_order_they_come_in),
		cmocka_unit_test(refuses_a_key_that_is_taken),
		cmocka_unit_test(a_copy_is_equal_and_its_own),
		cmocka_unit_test(tells_every_change_in_the_order_of_the_table),
		cmocka_unit_test(checks_what_no_row_can_say),
		cmocka_unit_test(refuses_a_snapshot_without_the_global_policy),
		cmocka_unit_test(tells_every_fault_not_only_the_first),
		cmocka_unit_test(warns_of_what_may_be_published_all_the_same),
		cmocka_unit_test(warns_of_providers_that_have_ended),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
