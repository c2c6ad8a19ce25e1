/* What documents are refused for: file, line, field and what is allowed; what is doubtful, and what is no setting any more. */
#include "tests/unit/config/documents.h"

#include "shared/model/notice.h"
#include "daemon/config/xml.h"
#include "shared/base/memory.h"
#include "tests/unit/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	const char *behaviour, *text, *problem;
} refusals[] = {
	{ "refuses_nothing_at_all", "", "topology.xml: is empty" },
	{ "refuses_text", "hello", "topology.xml:1: is not well-formed XML" },
	{ "refuses_half_a_document", ROOT("topology"), "is not well-formed XML" },
	{ "refuses_a_tag_left_open", TOPOLOGY("<topology>"),
	  "topology.xml:2: is not well-formed XML: Opening" },
	{ "refuses_two_roots", TOPOLOGY("") TOPOLOGY(""), "is not well-formed XML" },
	{ "refuses_another_root", "<config/>",
	  "topology.xml:1: the document is a <config>; allowed: <parley" },
	{ "refuses_a_root_without_document", "<parley schema=\"1\"/>", "has no attribute document" },
	{ "refuses_a_root_without_schema", "<parley document=\"topology\"/>",
	  "has no attribute schema; allowed: 1" },
	{ "refuses_another_schema", "<parley document=\"topology\" schema=\"2\"/>",
	  "schema is '2'; allowed: 1" },
	{ "refuses_another_document", "<parley document=\"topologie\" schema=\"1\"/>",
	  "document is 'topologie'" },
	{ "refuses_version_0", "<parley document=\"topology\" schema=\"1\" version=\"0\"/>",
	  "version is '0'" },
	{ "refuses_a_version_in_words", "<parley document=\"topology\" schema=\"1\" version=\"new\"/>",
	  "version is 'new'" },
	{ "refuses_an_unknown_root_attribute", "<parley document=\"topology\" schema=\"1\" mode=\"x\"/>",
	  "unknown attribute 'mode'; allowed: document, schema, version" },

	{ "refuses_a_misspelt_kind", DOMAINS("<alowed-domain domain=\"a.example\"/>"),
	  "sip-domains.xml:2: unknown element <alowed-domain>; allowed: allowed-domain, blocked-domain" },
	{ "refuses_a_kind_of_another_document", TOPOLOGY("<allowed-domain domain=\"a.example\"/>"),
	  "<allowed-domain> belongs into sip-domains.xml" },
	{ "refuses_the_host_kind", TOPOLOGY("<host/>"), "<host> belongs into host.xml" },
	{ "refuses_a_misspelt_field",
	  ACCESS("<access-edge>\n<alow-federated-users>true</alow-federated-users></access-edge>"),
	  "access-edge.xml:3: access-edge: unknown element <alow-federated-users>; allowed: "
	  "allow-federated-users" },
	{ "refuses_the_lync_name_in_a_document",
	  ACCESS("<access-edge><AllowFederatedUsers>true</AllowFederatedUsers></access-edge>"),
	  "unknown element <AllowFederatedUsers>" },
	{ "refuses_a_field_with_underscores",
	  ACCESS("<access-edge><allow_federated_users>true</allow_federated_users></access-edge>"),
	  "unknown element" },
	{ "refuses_a_bad_value_with_line_and_allowed",
	  TOPOLOGY("\n" EDGE("\n<external-port>70000</external-port>")),
	  "topology.xml:4: edge e.example: external-port: '70000' is too large; allowed: 1 to 65535" },
	{ "refuses_an_empty_flag", ACCESS("<access-edge><allow-federated-users/></access-edge>"),
	  "allow-federated-users: an empty value is neither true nor false" },
	{ "refuses_a_field_twice",
	  ACCESS("<access-edge><idle-timeout>60</idle-timeout><idle-timeout>60</idle-timeout></access-edge>"),
	  "<idle-timeout> stands here twice" },
	{ "refuses_a_single_object_twice", ACCESS("<access-edge/>\n<access-edge/>"),
	  "access-edge.xml:3: access-edge: stands here twice" },
	{ "refuses_a_domain_twice_and_names_the_first_line",
	  DOMAINS("<allowed-domain domain=\"a.example\"/>\n<allowed-domain domain=\"A.example.\"/>"),
	  "sip-domains.xml:3: allowed-domain a.example: stands here twice, first on line 2" },
	{ "refuses_an_object_without_key", DOMAINS("<allowed-domain/>"),
	  "allowed-domain: has no attribute domain" },
	{ "refuses_the_key_as_element",
	  DOMAINS("<allowed-domain><domain>a.example</domain></allowed-domain>"), "has no attribute domain" },
	{ "refuses_a_bad_key", DOMAINS("<allowed-domain domain=\"*.example\"/>"),
	  "domain: '*.example' has a character" },
	{ "refuses_an_empty_key", DOMAINS("<allowed-domain domain=\"\"/>"),
	  "domain: an empty value is no domain name" },
	{ "refuses_an_unknown_attribute", DOMAINS("<allowed-domain domain=\"a.example\" port=\"1\"/>"),
	  "unknown attribute 'port'; allowed: domain" },
	{ "refuses_a_key_where_there_is_one_object", TOPOLOGY("<topology name=\"x\"/>"),
	  "unknown attribute 'name'" },
	{ "refuses_an_attribute_of_a_field",
	  ACCESS("<access-edge><idle-timeout unit=\"s\">60</idle-timeout></access-edge>"),
	  "unknown attribute 'unit'" },
	{ "refuses_an_element_in_a_field",
	  ACCESS("<access-edge><idle-timeout><s>60</s></idle-timeout></access-edge>"),
	  "<idle-timeout> holds an element <s>; allowed: text" },
	{ "refuses_text_outside_of_a_field", ACCESS("<access-edge>on</access-edge>"),
	  "text stands outside of a field" },
	{ "refuses_text_outside_of_an_object", ACCESS("on"), "text stands outside of a field" },
	{ "refuses_a_missing_required_field",
	  TOPOLOGY("<edge "
	           "fqdn=\"e.example\"><external-listen>192.0.2.1</external-listen><internal-listen>10.0.0.1"
	           "</internal-listen></edge>"),
	  "topology.xml:2: edge e.example: external-fqdn: is missing" },
	{ "refuses_what_only_two_objects_say",
	  DOMAINS("<allowed-domain domain=\"x.example\"/>\n<blocked-domain domain=\"x.example\"/>"),
	  "sip-domains.xml:2: allowed-domain x.example: domain: is also a blocked-domain" },
	{ "refuses_a_policy_nobody_could_be_granted", POLICIES("<access-policy identity=\"tag:Sales\"/>"),
	  "allowed: Global" },
	{ "refuses_a_lone_ampersand", POLICIES("<access-policy identity=\"A & B\"/>"), "is not well-formed" },

	{ "refuses_a_document_type", "<!DOCTYPE parley><parley document=\"topology\" schema=\"1\"/>",
	  "has a document type" },
	{ "refuses_laughs",
	  "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><parley document=\"topology\" "
	  "schema=\"1\">&b;</parley>",
	  "has a document type" },
	{ "refuses_an_external_entity",
	  "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><parley document=\"topology\" "
	  "schema=\"1\">&x;</parley>",
	  "has a document type" },
	{ "refuses_an_unknown_entity", TOPOLOGY("&nbsp;"), "is not well-formed XML: Entity 'nbsp'" },
	{ "refuses_an_instruction", TOPOLOGY("<?php x?>"), "holds a processing instruction" },
	{ "refuses_a_stylesheet", "<?xml-stylesheet href=\"x\"?>" TOPOLOGY(""),
	  "holds a processing instruction" },
	{ "refuses_a_default_namespace", "<parley xmlns=\"urn:x\" document=\"topology\" schema=\"1\"/>",
	  "uses a namespace" },
	{ "refuses_a_prefix", "<p:parley xmlns:p=\"urn:x\" document=\"topology\" schema=\"1\"/>",
	  "uses a namespace" },
	{ "refuses_an_unbound_prefix", TOPOLOGY("<p:topology/>"), "is not well-formed XML" },
	{ "refuses_a_prefixed_attribute", DOMAINS("<allowed-domain xml:domain=\"a.example\"/>"),
	  "uses a namespace" },
	{ "refuses_an_inclusion",
	  TOPOLOGY("<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/>"),
	  "uses a namespace" },
	{ "refuses_eight_levels_and_one", TOPOLOGY("<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"),
	  "more than 8 deep" },
	{ "refuses_nine_attributes", TOPOLOGY("<topology a='' b='' c='' d='' e='' f='' g='' h='' i=''/>"),
	  "more than 8 attributes" },
	{ "refuses_latin_1", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" TOPOLOGY(""),
	  "declares an encoding other than UTF-8" },
	{ "refuses_utf_7", "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-parley/+AD4-",
	  "declares an encoding other than UTF-8" },
	{ "refuses_xml_1_1", "<?xml version=\"1.1\"?>" TOPOLOGY(""), "is not XML 1.0" },
	{ "refuses_a_broken_declaration", "<?xml version=1.0?>" TOPOLOGY(""),
	  "declaration that cannot be read" },
	{ "refuses_bytes_that_are_no_utf8", TOPOLOGY("<!-- \xff -->"), "is not UTF-8" },
	{ "refuses_overlong_utf8", TOPOLOGY("\xc0\xbctopology/>"), "is not UTF-8" },
	{ "refuses_a_control_character", TOPOLOGY("<topology>\x01</topology>"), "is not well-formed" },
	{ "escapes_what_it_refuses", TOPOLOGY("<topology>\n<media>\xe2\x80\xae</media></topology>"),
	  "'\\xe2\\x80\\xae'" },
};

static void refuses_with_file_line_field_and_what_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct guard bytes = guard_copy(slice_of(refusals[i].text));
		struct model_snapshot *snapshot;
		struct config_problems problems;
		struct buffer all;

		print_message("  %s\n", refusals[i].behaviour);
		config_problems_start(&problems);
		buffer_start(&all, 1 << 20);
		assert_int_equal(read_bytes(name_of(refusals[i].text), bytes.bytes, &snapshot, &problems),
		                 RESULT_INVALID);
		assert_null(snapshot);
		assert_true(problems.count > 0);
		for (size_t p = 0; p < problems.count; p++) {
			config_problem_write(&problems.items[p], &all);
			buffer_add_char(&all, '\n');
		}
		buffer_add_char(&all, '\0');
		if (!strstr(all.bytes, refusals[i].problem))
			fail_msg("problems are:\n%s", all.bytes);
		buffer_stop(&all);
		config_problems_stop(&problems);
		guard_free(&bytes);
	}
}

static void tells_every_problem_of_every_document_at_once(void **state)
{
	struct config_document documents[] = {
		{ .name = SLICE("topology.xml"),
		  .bytes = SLICE(TOPOLOGY("<topology><media>maybe</media><colour>red</colour></topology>")) },
		{ .name = SLICE("sip-domains.xml"),
		  .bytes = SLICE(DOMAINS("<allowed-domain domain=\"_\"/>")) },
		{ .name = SLICE("sip-domain.xml"), .bytes = SLICE("") },
		{ .name = SLICE("host.xml"), .bytes = SLICE("") },
		{ .name = SLICE("topology.xml"), .bytes = SLICE("") },
	};
	static const char *const files[] = { "topology.xml",   "topology.xml", "sip-domains.xml",
		                             "sip-domain.xml", "host.xml",     "topology.xml" };
	struct model_snapshot *snapshot;
	struct config_problems problems;
	struct reason reason;

	(void)state;
	config_problems_start(&problems);
	assert_int_equal(config_read(documents, COUNT(documents), NULL, &snapshot, &problems),
	                 RESULT_INVALID);
	assert_int_equal(problems.count, COUNT(files));
	for (size_t i = 0; i < COUNT(files); i++)
		assert_string_equal(problems.items[i].file, files[i]);
	config_problems_reason(&problems, &reason);
	assert_non_null(strstr(reason.text, "(and 5 more)"));
	config_problems_stop(&problems);
}

static void warns_of_what_is_doubtful_with_its_place(void **state)
{
	struct config_problems problems;
	struct model_snapshot *snapshot = NULL;
	struct buffer words;

	(void)state;
	config_problems_start(&problems);
	assert_int_equal(read_bytes(SLICE("xmpp-partners.xml"),
	                            SLICE(XMPP("<xmpp-partner domain=\"x.example\">\n"
	                                       "<tls-negotiation>optional</tls-negotiation></xmpp-partner>")),
	                            &snapshot, &problems),
	                 RESULT_OK);
	assert_non_null(snapshot);
	assert_int_equal(problems.count, 0);
	assert_int_equal(problems.warning_count, 1);
	buffer_start(&words, 4096);
	config_problem_write(&problems.warnings[0], &words);
	buffer_add_char(&words, '\0');
	assert_string_equal(
	        buffer_slice(&words).ptr,
	        "xmpp-partners.xml:2: xmpp-partner x.example: sasl-negotiation: SASL needs TLS, "
	        "which is only optional here; streams are proved by: SASL over TLS, else "
	        "dialback, in the clear where there is no TLS; allowed: tls-negotiation=required");
	buffer_stop(&words);
	config_problems_stop(&problems);
	model_snapshot_free(&snapshot);
}

/* What a store of before has: a value of any shape, told once for its object, and the rest is read and checked as ever. */
static void drops_a_field_that_is_no_setting_any_more(void **state)
{
	static const struct {
		const char *inside, *first; /* NULL: it is read */
		size_t warnings;
	} cases[] = {
		{ "<max-first-words>500</max-first-words>", NULL, 1 },
		{ "<max-first-words>no <b>number</b></max-first-words>", NULL, 1 },
		{ "<max-first-words a=\"b\"/>", NULL, 1 },
		{ "<max-first-words>500</max-first-words><max-first-word>5</max-first-word>",
		  "unknown element <max-first-word>", 1 },
		{ "<max-first-words>500</max-first-words><max-stanza>1</max-stanza>", "'1' is too small", 1 },
		{ "<Max-First-Words>500</Max-First-Words>", "unknown element <Max-First-Words>", 0 },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model_snapshot *snapshot = NULL;
		struct config_problems problems;
		enum result result;

		snprintf(text, sizeof text,
		         ROOT("xmpp-partners") "<xmpp-gateway><waiting-timeout>25</waiting-timeout>%s"
		                               "</xmpp-gateway>" END,
		         cases[i].inside);
		config_problems_start(&problems);
		result = read_bytes(SLICE("xmpp-partners.xml"), slice_of(text), &snapshot, &problems);
		assert_int_equal(result, cases[i].first ? RESULT_INVALID : RESULT_OK);
		if (cases[i].first)
			assert_non_null(strstr(problems.items[0].why, cases[i].first));
		else
			assert_int_equal(model_snapshot_one(snapshot, MODEL_XMPP_GATEWAY)
			                         ->values[MODEL_FIELD(xmpp_gateway, waiting_timeout)]
			                         .number,
			                 25);
		assert_int_equal(problems.warning_count, cases[i].warnings);
		if (cases[i].warnings) {
			assert_true(problems.warnings[0].is_retired);
			assert_string_equal(problems.warnings[0].field, "max-first-words");
			assert_int_equal(problems.warnings[0].line, 2);
		}
		config_problems_stop(&problems);
		model_snapshot_free(&snapshot);
	}
}

/* A row whose kind is none, or whose field is one still, would be read by nobody. */
static void retires_only_what_is_gone(void **state)
{
	static const char *const rows[][2] = {
#define RETIRED(kind, field, why) { kind, field },
#include "shared/model/retired.def"
#undef RETIRED
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct model_kind *kind = model_kind_named(slice_of(rows[i][0]));

		assert_non_null(kind);
		assert_int_equal(model_field_named(kind, slice_of(rows[i][1])), kind->field_count);
	}
}

static void keeps_a_hundred_problems_and_counts_the_others(void **state)
{
	struct model_snapshot *snapshot;
	struct config_problems problems;
	struct buffer text;

	(void)state;
	config_problems_start(&problems);
	buffer_start(&text, 1 << 20);
	buffer_add(&text, SLICE(ROOT("topology")));
	for (int i = 0; i < 150; i++)
		buffer_add(&text, SLICE("<x/>"));
	buffer_add(&text, SLICE(END));
	assert_int_equal(read_bytes(SLICE("topology.xml"), buffer_slice(&text), &snapshot, &problems),
	                 RESULT_INVALID);
	assert_int_equal(problems.count, CONFIG_PROBLEMS_MAX);
	assert_int_equal(problems.unkept, 50);
	buffer_stop(&text);
	config_problems_stop(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_with_file_line_field_and_what_is_allowed),
		cmocka_unit_test(tells_every_problem_of_every_document_at_once),
		cmocka_unit_test(warns_of_what_is_doubtful_with_its_place),
		cmocka_unit_test(drops_a_field_that_is_no_setting_any_more),
		cmocka_unit_test(retires_only_what_is_gone),
		cmocka_unit_test(keeps_a_hundred_problems_and_counts_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
