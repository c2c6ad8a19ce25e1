/* Routes in a dialog: both parties reach each other, and what is not of the dialog is refused. */
#include "tests/unit/sip/parties.h"

static void both_parties_reach_each_other(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char rest[TEXT_MAX];

	(void)unused;
	for (int began = 0; began < 2; began++) {
		for (int shape = 0; shape < 9; shape++) {
			begin(&d, (enum sip_side)began, shape % 3, shape / 3);
			for (int by_caller = 0; by_caller < 2; by_caller++) {
				enum sip_side from = side_of(&d, by_caller);
				const char *routes = by_caller ? d.caller : d.callee;
				int far_proxies = by_caller ? shape / 3 : shape % 3;
				struct sip_token token;

				printf("began %s, %d proxies before, %d after, %s speaks: %s\n",
				       began ? "inside" : "outside", shape % 3, shape / 3,
				       by_caller ? "caller" : "callee", routes);
				in_dialog(&d, by_caller, "BYE", routes, &in);
				assert_int_equal(
				        pass(&d.proxy, from, wire_slice(&in), false, "", "", &token, &out),
				        SIP_ROUTE_TOKEN);
				assert_int_equal(token.towards, edge_other(from));
				assert_slice(token.next_hop,
				             from == SIP_SIDE_EXTERNAL ? pool_hop : partner_hop);
				/* Ours are gone, the next domain's are there, byte for byte. */
				values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
				assert_string_equal(rest, far_proxies ? behind(routes, 2) : "");
			}
		}
	}
}

/* ---- what is not that dialog ---- */

static const struct {
	const char *behaviour;
	const char *old, *fresh; /* in the whole request */
} changes[] = {
	{ "refuses_another_call_id", "Call-ID: call-1", "Call-ID: call-2" },
	{ "refuses_a_call_id_in_other_case", "Call-ID: call-1", "Call-ID: Call-1" },
	{ "refuses_another_tag_of_who_began", "tag=callertag", "tag=callertaf" },
	{ "refuses_no_tag_of_who_began", ";tag=callertag", "" },
	{ "refuses_another_version", "sip:r2", "sip:r1" },
	{ "refuses_the_other_direction_letter", "sip:r2i", "sip:r2e" },
	{ "refuses_the_other_party_letter", "sip:r2if", "sip:r2it" },
	{ "refuses_another_next_hop", "fe1.contoso.example@", "fe2.contoso.example@" },
	{ "refuses_a_longer_next_hop", "fe1.contoso.example@", "fe1.contoso.example.evil.example@" },
	{ "refuses_no_next_hop", "fe1.contoso.example@", "@" },
	{ "refuses_an_escape_for_a_letter", "fe1.", "%66e1." },
	{ "refuses_a_broken_escape", "fe1.", "f%zz1." },
	{ "refuses_a_cut_token", "sip:r2if", "sip:r2i" },
	{ "refuses_an_upper_case_token", "sip:r2if", "sip:R2IF" },
	{ "refuses_another_host", "@edge.contoso.example:5061", "@edge.evil.example:5061" },
	{ "refuses_another_port", "@edge.contoso.example:5061", "@edge.contoso.example:5060" },
	{ "refuses_maddr", "example:5061;transport=tls;lr", "example:5061;transport=tls;maddr=10.0.0.5;lr" },
	{ "refuses_transport_udp", "example:5061;transport=tls;lr", "example:5061;transport=udp;lr" },
	{ "refuses_127_0_0_1_behind", "fe1.contoso.example:5061;transport=tls;ms-route-sig",
	  "127.0.0.1:5061;transport=tls;ms-route-sig" },
	{ "refuses_an_inside_name_behind", "<sip:fe1.contoso.example:5061;",
	  "<sip:ad.contoso.example:5061;" },
	{ "refuses_another_port_behind", "<sip:fe1.contoso.example:5061;", "<sip:fe1.contoso.example:22;" },
	{ "refuses_a_user_behind", "<sip:fe1.contoso.example:5061;", "<sip:eve@fe1.contoso.example:5061;" },
	{ "refuses_a_user_with_a_password_behind", "<sip:fe1.contoso.example:5061;",
	  "<sip:eve:x@fe1.contoso.example:5061;" },
	{ "refuses_sips_behind", "<sip:fe1.contoso.example:5061;", "<sips:fe1.contoso.example:5061;" },
	{ "refuses_maddr_behind", "ms-route-sig=ab12;lr", "maddr=10.0.0.5;lr" },
	{ "refuses_udp_behind", "5061;transport=tls;ms-route-sig", "5061;transport=udp;ms-route-sig" },
	{ "refuses_a_strict_router_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sig=ab12;" },
	{ "refuses_an_added_parameter_behind", ";ms-route-sig=ab12;lr;",
	  ";ms-route-sig=ab12;lr;received=10.0.0.5;" },
	{ "refuses_a_dropped_parameter_behind", ";ms-route-sig=ab12;lr;", ";lr;" },
	{ "refuses_another_parameter_value_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sig=AB12;lr;" },
	{ "refuses_a_renamed_parameter_behind", ";ms-route-sig=ab12;lr;", ";ms-route-sigab12;lr;" },
	{ "refuses_headers_behind", ";ms-key-info=x>", ";ms-key-info=x?Route=%3Csip:10.0.0.5%3E>" },
	{ "refuses_one_more_behind", ";ms-key-info=x>", ";ms-key-info=x>, <sip:10.0.0.5;lr>" },
	{ "refuses_one_between", ";lr>, <sip:fe1.", ";lr>, <sip:[::1];lr>, <sip:fe1." },
	{ "refuses_one_in_front", "Route: <", "Route: <sip:10.0.0.5;lr>, <" },
	{ "refuses_ours_twice", "Route: <", "Route: <sip:edge.contoso.example:5061;transport=tls;lr>, <" },
};

/* Who began sits outside, a front end of the pool records too; then one thing is changed. */
static void refuses_what_is_not_of_the_dialog(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	for (size_t i = 0; i < COUNT(changes); i++) {
		printf("%s\n", changes[i].behaviour);
		begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
		in_dialog(&d, true, "MESSAGE", d.caller, &in);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_TOKEN);
		replace_all(in.bytes, sizeof in.bytes, changes[i].old, changes[i].fresh);
		in.length = strlen(in.bytes);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_FORGED);
	}
}

static const struct {
	const char *behaviour;
	const char *old, *fresh;
} harmless[] = {
	{ "takes_a_display_name", "Route: <", "Route: \"edge\" <" },
	{ "takes_upper_case_hosts", "edge.contoso.example", "EDGE.Contoso.Example" },
	{ "takes_a_trailing_dot", "@edge.contoso.example:", "@edge.contoso.example.:" },
	{ "takes_its_address_for_its_name", "@edge.contoso.example:", "@192.0.2.10:" },
	{ "takes_its_ipv6_address_spelled_out", "@edge.contoso.example:", "@[2001:0db8:0:0::10]:" },
	{ "takes_lr_with_a_value", ";lr>", ";lr=on>" },
	{ "takes_parameters_in_another_order", ";transport=tls;ms-route-sig=ab12;lr",
	  ";lr;transport=TLS;ms-route-sig=ab12" },
	{ "takes_a_parameter_name_in_upper_case", ";ms-route-sig=ab12;lr", ";MS-Route-Sig=ab12;LR" },
	{ "takes_two_headers_for_a_list", ">, <", ">\r\nRoute: <" },
	{ "takes_another_tag_of_the_other_party", "tag=calleetag", "tag=fork2" },
	{ "ignores_a_password", "fe1.contoso.example@", "fe1.contoso.example:x@" },
	{ "takes_an_added_header_parameter", ";lr>", ";lr>;x=y" },
};

/* Of a value of the inside that comes back, only the URI is what the token covers. */
static void passes_only_the_uri_of_a_route_from_outside(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char rest[TEXT_MAX];

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
	in_dialog(&d, true, "MESSAGE", d.caller, &in);
	replace_all(in.bytes, sizeof in.bytes, "<sip:fe1.", "\"x, y\" <sip:fe1.");
	replace_all(in.bytes, sizeof in.bytes, ";ms-key-info=x>", ";ms-key-info=x>;received=10.0.0.5");
	in.length = strlen(in.bytes);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	values_of(wire_slice(&out), SIP_ROUTE, rest, sizeof rest);
	assert_string_equal(rest, proxies_of[SIP_SIDE_INTERNAL][1]);
}

static void takes_what_a_party_may_change(void **unused)
{
	static struct dialog d;
	static struct wire in, out;

	(void)unused;
	for (size_t i = 0; i < COUNT(harmless); i++) {
		printf("%s\n", harmless[i].behaviour);
		begin(&d, SIP_SIDE_EXTERNAL, 0, 1);
		in_dialog(&d, true, "MESSAGE", d.caller, &in);
		replace_all(in.bytes, sizeof in.bytes, harmless[i].old, harmless[i].fresh);
		in.length = strlen(in.bytes);
		assert_int_equal(
		        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
		        SIP_ROUTE_TOKEN);
	}
}

/* Both tokens of the route set, one character after the other exchanged. */
static void refuses_each_changed_character_of_a_token(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	size_t count = 0;
	char *at;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 0);
	in_dialog(&d, true, "BYE", d.caller, &in);
	at = in.bytes;
	while ((at = strstr(at, "<sip:r2"))) {
		for (at += strlen("<sip:"); *at != '@'; at++, count++) {
			char was = *at;

			*at = was == 'a' ? 'b' : 'a';
			assert_int_equal(
			        pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
			        SIP_ROUTE_FORGED);
			*at = was;
		}
	}
	assert_true(count > 60);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
}

/* A partner has both values of a dialog; neither can be used from the wrong side or by itself for more. */
static void refuses_the_wrong_way(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	char first[TEXT_MAX], second[TEXT_MAX];
	const char *comma;

	(void)unused;
	begin(&d, SIP_SIDE_EXTERNAL, 0, 0);
	comma = strstr(d.caller, ", ");
	assert_non_null(comma);
	assert_true(
	        slice_to_text((struct slice){ d.caller, (size_t)(comma - d.caller) }, first, sizeof first));
	assert_true(slice_to_text(slice_of(comma + 2), second, sizeof second));

	in_dialog(&d, true, "BYE", first, &in); /* alone it is enough: some peers drop the second */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	in_dialog(&d, true, "BYE", second, &in); /* the inside's value from outside */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.callee, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.caller, &in); /* the outside's value from inside */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	/* The inside's token under the outside's name. */
	replace_all(second, sizeof second, "@edge-int.contoso.example:5062;transport=tcp",
	            "@edge.contoso.example:5061;transport=tls");
	in_dialog(&d, true, "BYE", second, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, false, "BYE", second, &in); /* even with the tags it was made for */
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	/* The caller's value used by the callee's tags, and the reverse. */
	in_dialog(&d, false, "BYE", d.caller, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
	in_dialog(&d, true, "BYE", d.callee, &in);
	assert_int_equal(pass(&d.proxy, SIP_SIDE_INTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

static void a_token_survives_a_restart_and_not_another_key(void **unused)
{
	static struct dialog d;
	static struct wire in, out;
	struct sip_proxy again;

	(void)unused;
	begin(&d, SIP_SIDE_INTERNAL, 1, 1);
	in_dialog(&d, false, "BYE", d.callee, &in);
	again = edge_proxy();
	again.loop_key.k0 ^= 1; /* that one is new with each start */
	assert_int_equal(pass(&again, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_TOKEN);
	again.token_key[SIP_TOKEN_KEY_BYTES - 1] ^= 1;
	assert_int_equal(pass(&again, SIP_SIDE_EXTERNAL, wire_slice(&in), false, "", "", NULL, &out),
	                 SIP_ROUTE_FORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_parties_reach_each_other),
		cmocka_unit_test(refuses_what_is_not_of_the_dialog),
		cmocka_unit_test(takes_what_a_party_may_change),
		cmocka_unit_test(passes_only_the_uri_of_a_route_from_outside),
		cmocka_unit_test(refuses_each_changed_character_of_a_token),
		cmocka_unit_test(refuses_the_wrong_way),
		cmocka_unit_test(a_token_survives_a_restart_and_not_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
