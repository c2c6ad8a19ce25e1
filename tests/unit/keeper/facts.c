/* Pure parts of the keeper: counters over restarts, listener ids, resolv.conf, what is missing of certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

static void take(struct traffic *t, const char *text)
{
	struct json *counters = NULL;

	assert_int_equal(json_read(slice_of(text), &counters, NULL), RESULT_OK);
	traffic_take(t, counters);
	json_free(&counters);
}

static void counts_on_over_a_restart(void **state)
{
	struct traffic t = { 0 };

	(void)state;
	take(&t, "{\"messages_in\":10,\"messages_out\":4,\"refused\":1,\"connections\":3,\"turned_away\":7,"
	         "\"steps\":{"
	         "\"blocked-domain\":1,\"local-user-rate\":2}}");
	take(&t,
	     "{\"messages_in\":15,\"messages_out\":4,\"refused\":1,\"connections\":2,\"discovered\":1,"
	     "\"unidentified\":2,\"turned_away\":9,\"steps\":{\"blocked-domain\":1,\"local-user-rate\":3}}");
	assert_int_equal(t.in, 15);
	assert_int_equal(t.out, 4);
	assert_int_equal(t.connections, 2);
	assert_int_equal(t.discovered, 1);
	assert_int_equal(t.unidentified, 2);
	assert_int_equal(t.turned_away, 9);
	assert_int_equal(t.now_in, 15);
	traffic_second(&t);
	assert_int_equal(t.history.in[(t.history.at + KEEPER_HISTORY - 1) % KEEPER_HISTORY], 15);
	assert_int_equal(t.now_in, 0);

	traffic_restarted(&t);
	assert_int_equal(t.connections, 0);
	assert_int_equal(t.discovered, 0);
	take(&t, "{\"messages_in\":2,\"refused\":1,\"turned_away\":1,\"steps\":{\"blocked-domain\":1}}");
	assert_int_equal(t.in, 17);
	assert_int_equal(t.refused, 2);
	assert_int_equal(t.steps[POLICY_STEP_BLOCKED_DOMAIN], 2);
	assert_int_equal(t.steps[POLICY_REFUSAL_LOCAL_USER_RATE], 3);
	assert_int_equal(t.turned_away, 10);
}

static void takes_no_nonsense_for_numbers(void **state)
{
	struct traffic t = { 0 };

	(void)state;
	take(&t, "{\"messages_in\":-5,\"messages_out\":\"x\",\"steps\":[1]}");
	take(&t, "[]");
	assert_int_equal(t.in, 0);
	assert_int_equal(t.out, 0);
}

static void remembers_a_minute(void **state)
{
	struct traffic t = { 0 };

	(void)state;
	for (int i = 0; i < KEEPER_HISTORY * 2; i++) {
		t.now_in = (uint32_t)i;
		traffic_second(&t);
	}
	assert_int_equal(t.history.in[t.history.at], KEEPER_HISTORY); /* the oldest */
}

static void names_a_listener_the_same_after_a_restart(void **state)
{
	(void)state;
	assert_int_equal(listeners_id(PLACE_EXTERNAL, SLICE("192.0.2.1:5061")),
	                 listeners_id(PLACE_EXTERNAL, SLICE("192.0.2.1:5061")));
	assert_int_not_equal(listeners_id(PLACE_EXTERNAL, SLICE("192.0.2.1:5061")),
	                     listeners_id(PLACE_INTERNAL, SLICE("192.0.2.1:5061")));
	assert_true(listeners_id(PLACE_EXTERNAL, SLICE("x")) > 0 &&
	            listeners_id(PLACE_EXTERNAL, SLICE("x")) < 1ULL << 48);
}

static void reads_a_resolv_conf(void **state)
{
	char found[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES];

	(void)state;
	assert_int_equal(host_nameservers(SLICE("# nameserver 10.0.0.1\n"
	                                        "search example\n"
	                                        "nameserver 192.0.2.53\n"
	                                        "nameserver\t2001:db8::53 \n"
	                                        "nameserver fe80::1%eth0\n"
	                                        "nameserver\n"
	                                        "nameserverx 192.0.2.54\n"
	                                        "nameserver 192.0.2.55 trailing"),
	                                  found),
	                 3);
	assert_string_equal(found[0], "192.0.2.53:53");
	assert_string_equal(found[1], "[2001:db8::53]:53");
	assert_string_equal(found[2], "192.0.2.55:53");
	assert_int_equal(host_nameservers(SLICE(""), found), 0);
}

static void takes_no_more_resolvers_than_there_is_room(void **state)
{
	char found[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES];
	struct buffer text;

	(void)state;
	buffer_start(&text, 4096);
	for (int i = 0; i < 20; i++)
		buffer_printf(&text, "nameserver 192.0.2.%d\n", i);
	assert_int_equal(host_nameservers(buffer_slice(&text), found), KEEPER_RESOLVERS_MAX);
	buffer_stop(&text);
}

/* ---- what is missing ---- */

static const struct {
	const char *name, *node, *external_key, *internal_key;
	const char *certificate, *internal_certificate, *transport,
	        *domains; /* of the edge; certificate NULL: no edge */
	const char *short_why, *words;
} rows[] = {
	{ "no_edge", "", "k", "k", NULL, "", "tls", "own.example", "no certificate",
	  "topology.xml has no edge" },
	{ "another_node", "edge2.example", "k", "k", "c", "c", "tls", "own.example", "no certificate",
	  "edge2.example" },
	{ "no_external_certificate", "", "k", "k", "", "c", "tls", "own.example", "no certificate",
	  "external-certificate is empty" },
	{ "no_external_key", "", "", "k", "c", "c", "tls", "own.example", "no certificate",
	  "external-key is empty" },
	{ "no_internal_certificate", "", "k", "k", "c", "", "tls", "own.example", "no certificate",
	  "internal-certificate is empty" },
	{ "no_internal_key", "", "k", "", "c", "c", "tls", "own.example", "no certificate",
	  "internal-key is empty" },
	{ "tcp_needs_no_internal_certificate", "", "k", "", "c", "", "tcp", "own.example", "", "" },
	{ "no_own_domain", "", "k", "k", "c", "c", "tls", "", "no own SIP domain", "sip-domains is empty" },
	{ "all_there", "", "k", "k", "c", "c", "tls", "own.example", "", "" },
};

static void set(struct model_snapshot *s, struct model_object *object, size_t field, const char *text)
{
	assert_int_equal(model_value_read(&object->kind->fields[field], slice_of(text), &s->arena,
	                                  &object->values[field], NULL),
	                 RESULT_OK);
}

static struct policy_image *image_of(size_t row)
{
	struct model_snapshot *s = model_snapshot_new();
	struct model_object *edge = model_object_new(&s->arena, model_kind(MODEL_EDGE));
	struct policy_image *image = NULL;
	int fd = -1;

	set(s, model_snapshot_one(s, MODEL_TOPOLOGY), MODEL_FIELD(topology, sip_domains), rows[row].domains);
	set(s, edge, MODEL_FIELD(edge, fqdn), "edge1.example");
	if (rows[row].certificate) {
		set(s, edge, MODEL_FIELD(edge, external_certificate), rows[row].certificate);
		set(s, edge, MODEL_FIELD(edge, internal_certificate), rows[row].internal_certificate);
		set(s, edge, MODEL_FIELD(edge, internal_transport), rows[row].transport);
		assert_int_equal(model_snapshot_add(s, edge), RESULT_OK);
	}
	assert_int_equal(policy_image_build(s, 1, &fd, NULL), RESULT_OK);
	assert_int_equal(policy_image_open(fd, &image, NULL), RESULT_OK);
	close(fd);
	model_snapshot_free(&s);
	return image;
}

static void says_what_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct policy_image *image = image_of(i);
		struct host host = { .resolver_count = 0 };
		struct reason why = { "" };
		const char *short_why;
		enum result result;

		snprintf(host.node, sizeof host.node, "%s", rows[i].node);
		snprintf(host.external_key, sizeof host.external_key, "%s", rows[i].external_key);
		snprintf(host.internal_key, sizeof host.internal_key, "%s", rows[i].internal_key);
		result = service_assigned(service_row(SERVICE_ACCESS), &host, image, &short_why, &why);
		if ((result == RESULT_OK) != (rows[i].words[0] == '\0') || !strstr(why.text, rows[i].words) ||
		    strcmp(short_why, rows[i].short_why) != 0)
			fail_msg("%s: %s / %s", rows[i].name, short_why, why.text);
		policy_image_close(&image);
	}
}

/* XMPP shows and believes what SIP does, unless it is given its own. */
static void the_gateway_is_used_with_an_address_and_takes_what_is_there(void **state)
{
	struct model_snapshot *s = model_snapshot_new();
	struct model_object *edge = model_object_new(&s->arena, model_kind(MODEL_EDGE));
	struct host host = { .external_key = "e.key" };
	const struct service_row *gateway = service_row_named("gateway");
	struct policy_image *image = NULL;
	struct reason why = { "" };
	const char *short_why;
	struct side_files files;

	(void)state;
	set(s, model_snapshot_one(s, MODEL_TOPOLOGY), MODEL_FIELD(topology, sip_domains), "own.example");
	set(s, edge, MODEL_FIELD(edge, fqdn), "edge1.example");
	set(s, edge, MODEL_FIELD(edge, external_certificate), "e.pem");
	assert_int_equal(model_snapshot_add(s, edge), RESULT_OK);
	for (int step = 0; step < 3; step++) {
		int fd = -1;

		if (step == 1)
			set(s, edge, MODEL_FIELD(edge, xmpp_listen), "192.0.2.1");
		if (step == 2) {
			set(s, edge, MODEL_FIELD(edge, xmpp_certificate), "x.pem");
			set(s, edge, MODEL_FIELD(edge, xmpp_trust), "x-trust.pem");
			set(s, edge, MODEL_FIELD(edge, xmpp_listen), "");
			set(s, edge, MODEL_FIELD(edge, xmpp_tls_listen), "192.0.2.1");
		}
		assert_int_equal(policy_image_build(s, 1, &fd, NULL), RESULT_OK);
		assert_int_equal(policy_image_open(fd, &image, NULL), RESULT_OK);
		close(fd);
		assert_int_equal(service_is_used(gateway, &host, image, &short_why, &why), step > 0);
		if (step == 0)
			assert_string_equal(short_why, "no XMPP address");
		assert_int_equal(service_assigned(gateway, &host, image, &short_why, &why),
		                 step < 2 ? RESULT_OK : RESULT_NOT_FOUND);
		files = side_files(&host, image, policy_image_edge(image, SLICE("")), SIDE_XMPP);
		assert_string_equal(files.certificate, step < 2 ? "e.pem" : "x.pem");
		assert_string_equal(files.key, step < 2 ? "e.key" : "");
		assert_string_equal(files.key_field, step < 2 ? "external-key" : "xmpp-key");
		assert_string_equal(files.trust,
		                    step < 2 ? "/etc/ssl/certs/ca-certificates.crt" : "x-trust.pem");
		policy_image_close(&image);
	}
	assert_non_null(strstr(why.text, "xmpp-key is empty"));
	model_snapshot_free(&s);
}

/* A list of revoked certificates counts beside the authorities that signed it. */
static void xmpp_has_lists_of_its_own_or_those_of_its_authorities(void **state)
{
	static const struct {
		const char *trust, *crls, *expected, *field;
	} rows[] = {
		{ "", "", "e.crl", "external-crls" },
		{ "", "x.crl", "x.crl", "xmpp-crls" },
		{ "x-trust.pem", "", "", "xmpp-crls" },
		{ "x-trust.pem", "x.crl", "x.crl", "xmpp-crls" },
	};
	struct host host = { .external_key = "e.key" };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct model_snapshot *s = model_snapshot_new();
		struct model_object *edge = model_object_new(&s->arena, model_kind(MODEL_EDGE));
		struct policy_image *image = NULL;
		struct side_files files;
		int fd = -1;

		set(s, edge, MODEL_FIELD(edge, fqdn), "edge1.example");
		set(s, edge, MODEL_FIELD(edge, external_crls), "e.crl");
		set(s, edge, MODEL_FIELD(edge, xmpp_trust), rows[i].trust);
		set(s, edge, MODEL_FIELD(edge, xmpp_crls), rows[i].crls);
		assert_int_equal(model_snapshot_add(s, edge), RESULT_OK);
		assert_int_equal(policy_image_build(s, 1, &fd, NULL), RESULT_OK);
		assert_int_equal(policy_image_open(fd, &image, NULL), RESULT_OK);
		close(fd);
		files = side_files(&host, image, policy_image_edge(image, SLICE("")), SIDE_XMPP);
		assert_string_equal(files.crls, rows[i].expected);
		assert_string_equal(files.crls_field, rows[i].field);
		policy_image_close(&image);
		model_snapshot_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_on_over_a_restart),
		cmocka_unit_test(takes_no_nonsense_for_numbers),
		cmocka_unit_test(remembers_a_minute),
		cmocka_unit_test(names_a_listener_the_same_after_a_restart),
		cmocka_unit_test(reads_a_resolv_conf),
		cmocka_unit_test(takes_no_more_resolvers_than_there_is_room),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(the_gateway_is_used_with_an_address_and_takes_what_is_there),
		cmocka_unit_test(xmpp_has_lists_of_its_own_or_those_of_its_authorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
