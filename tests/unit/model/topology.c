/* What leads from one object of the topology to another: dangling names, routes over edges that carry nothing, two places. */
#include "shared/model/snapshot.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/model/lines.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define EDGE(name)                                                                                           \
	"edge " name ".a.example external-listen=192.0.2.1 external-fqdn=sip.a.example "                     \
	"internal-listen=10.0.0.1"
#define EDGE_2(name)                                                                                         \
	"edge " name ".a.example external-listen=192.0.2.2 external-fqdn=sip2.a.example "                    \
	"internal-listen=10.0.0.2"
#define XMPP " xmpp-listen=192.0.2.1"

static const struct {
	const char *behaviour;
	const char *lines[8];
	const char *fault, *warning; /* NULL: none */
} cases[] = {
	{ "one_machine_needs_nothing_of_it", { EDGE("e1"), "pool-member p1.a.example" }, NULL, NULL },
	{ "takes_a_whole_tree",
	  { "site Oslo sip-federation-route=ep.a.example",
	    "edge-pool ep.a.example site=Oslo next-hop-pool=p.a.example",
	    EDGE("e1") " edge-pool=ep.a.example" XMPP, "pool p.a.example site=Oslo",
	    "pool-member p1.a.example pool=p.a.example",
	    "topology sip-federation-route=ep.a.example xmpp-federation-route=ep.a.example" },
	  NULL,
	  NULL },
	{ "refuses_a_member_of_no_pool",
	  { "pool-member p1.a.example pool=p.a.example" },
	  "pool-member p1.a.example: pool there is no pool p.a.example",
	  NULL },
	{ "refuses_a_pool_at_no_site",
	  { "pool p.a.example site=Oslo", "pool-member p1.a.example pool=p.a.example" },
	  "pool p.a.example: site there is no site Oslo",
	  NULL },
	{ "refuses_an_edge_pool_at_no_site",
	  { "edge-pool ep.a.example site=Oslo" },
	  "edge-pool ep.a.example: site there is no site Oslo",
	  NULL },
	{ "refuses_a_next_hop_that_there_is_not",
	  { "edge-pool ep.a.example next-hop-pool=p.a.example" },
	  "next-hop-pool there is no pool p.a.example",
	  NULL },
	{ "refuses_a_next_hop_without_members",
	  { "pool p.a.example", "edge-pool ep.a.example next-hop-pool=p.a.example" },
	  "the pool p.a.example has no member",
	  "fqdn has no member" },
	{ "warns_of_a_pool_without_members", { "pool p.a.example" }, NULL, "fqdn has no member" },
	{ "refuses_an_edge_in_no_edge_pool",
	  { EDGE("e1") " edge-pool=ep.a.example" },
	  "edge-pool there is no edge-pool ep.a.example",
	  NULL },
	{ "refuses_a_gateway_without_access",
	  { EDGE("e1") " services=gateway" },
	  "services names the gateway without access",
	  NULL },
	{ "takes_an_edge_that_carries_nothing", { EDGE("e1") " services=" }, NULL, NULL },
	{ "warns_of_an_xmpp_address_without_the_gateway",
	  { EDGE("e1") XMPP " services=access" },
	  NULL,
	  "services does not name gateway" },
	{ "refuses_a_route_that_there_is_not",
	  { "topology sip-federation-route=ep.a.example" },
	  "topology: sip-federation-route there is no edge-pool ep.a.example",
	  NULL },
	{ "refuses_a_sites_route_that_there_is_not",
	  { "site Oslo sip-federation-route=ep.a.example" },
	  "site Oslo: sip-federation-route there is no edge-pool ep.a.example",
	  NULL },
	{ "refuses_a_route_without_edges",
	  { "edge-pool ep.a.example", "topology sip-federation-route=ep.a.example" },
	  "no edge belongs to the edge pool ep.a.example",
	  NULL },
	{ "refuses_a_sip_route_over_edges_without_access",
	  { "edge-pool ep.a.example", EDGE("e1") " services= edge-pool=ep.a.example",
	    "topology sip-federation-route=ep.a.example" },
	  "no edge of the edge pool ep.a.example carries SIP",
	  NULL },
	{ "one_of_two_edges_may_carry_nothing",
	  { "edge-pool ep.a.example", EDGE("e1") " services= edge-pool=ep.a.example",
	    EDGE_2("e2") " edge-pool=ep.a.example", "topology sip-federation-route=ep.a.example" },
	  NULL,
	  NULL },
	{ "refuses_an_xmpp_route_over_edges_without_an_address",
	  { "edge-pool ep.a.example", EDGE("e1") " edge-pool=ep.a.example",
	    "topology xmpp-federation-route=ep.a.example" },
	  "no edge of the edge pool ep.a.example carries XMPP",
	  NULL },
	{ "takes_an_xmpp_route_over_an_edge_with_direct_tls_alone",
	  { "edge-pool ep.a.example", EDGE("e1") " edge-pool=ep.a.example xmpp-tls-listen=192.0.2.1",
	    "topology xmpp-federation-route=ep.a.example" },
	  NULL,
	  NULL },
	{ "refuses_an_xmpp_route_over_edges_without_the_gateway",
	  { "edge-pool ep.a.example", EDGE("e1") " edge-pool=ep.a.example services=access",
	    "topology xmpp-federation-route=ep.a.example" },
	  "carries XMPP",
	  NULL },
	{ "warns_of_two_places_for_xmpp",
	  { EDGE("e1") XMPP, EDGE_2("e2") " xmpp-listen=192.0.2.2" },
	  NULL,
	  "xmpp-federation-route is empty and edges that share no edge pool" },
	{ "two_edges_of_one_pool_are_one_place_for_xmpp",
	  { "edge-pool ep.a.example", EDGE("e1") " edge-pool=ep.a.example" XMPP,
	    EDGE_2("e2") " edge-pool=ep.a.example xmpp-listen=192.0.2.2" },
	  NULL,
	  NULL },
	{ "warns_of_several_edge_pools_and_no_route",
	  { "edge-pool ep.a.example", "edge-pool eq.a.example" },
	  NULL,
	  "sip-federation-route is empty and there are several edge pools" },
};

struct told {
	struct buffer faults, warnings;
};

static void tell(void *to, const struct model_fault *fault)
{
	struct told *told = to;
	const struct model_kind *kind = fault->object->kind;
	struct slice key = model_object_key(fault->object);

	buffer_printf(fault->is_warning ? &told->warnings : &told->faults, "%s%s%.*s: %s %s\n", kind->name,
	              key.len ? " " : "", SLICE_ARG(key), kind->fields[fault->field].name, fault->why.text);
}

/* NULL: nothing was told; else all that was told is one line with these words. */
static void expect(const char *words, struct buffer *told)
{
	buffer_add_char(told, '\0');
	if (!words)
		assert_string_equal(buffer_slice(told).ptr, "");
	else if (!strstr(buffer_slice(told).ptr, words) ||
	         strchr(buffer_slice(told).ptr, '\n') != strrchr(buffer_slice(told).ptr, '\n'))
		fail_msg("\"%s\" is not \"%s\"", buffer_slice(told).ptr, words);
	buffer_stop(told);
}

static void tells_what_leads_nowhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model_snapshot *snapshot = model_snapshot_new();
		struct told told;

		print_message("  %s\n", cases[i].behaviour);
		buffer_start(&told.faults, 4096);
		buffer_start(&told.warnings, 4096);
		for (size_t l = 0; l < COUNT(cases[i].lines) && cases[i].lines[l]; l++)
			assert_int_equal(put(snapshot, cases[i].lines[l]), RESULT_OK);
		assert_int_equal(model_snapshot_faults(snapshot, tell, &told) == 0, cases[i].fault == NULL);
		expect(cases[i].fault, &told.faults);
		expect(cases[i].warning, &told.warnings);
		model_snapshot_free(&snapshot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tells_what_leads_nowhere) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
