/* Documents to a snapshot and back: what is taken and how it is printed, limits, the shipped documents. */
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

/* ---- what is taken ---- */

static struct model_snapshot *must_read(struct slice name, struct slice bytes)
{
	struct model_snapshot *snapshot;
	struct config_problems problems;

	config_problems_start(&problems);
	if (read_bytes(name, bytes, &snapshot, &problems) != RESULT_OK) {
		struct reason reason;

		config_problems_reason(&problems, &reason);
		fail_msg("%s", reason.text);
	}
	config_problems_stop(&problems);
	return snapshot;
}

static void print_to(const struct model_snapshot *snapshot, struct slice name, struct buffer *out)
{
	buffer_start(out, CONFIG_LIST_BYTES_MAX);
	assert_int_equal(config_print(snapshot, name, 0, out), RESULT_OK);
}

static const struct {
	const char *behaviour, *text;
	const char *printed; /* after the head: what stands between <parley ...> and </parley> */
} taken[] = {
	{ "takes_an_empty_document", TOPOLOGY(""), "  <topology/>\n" },
	{ "a_topology_from_before_there_were_pools_is_printed_as_it_was",
	  TOPOLOGY("<topology><sip-domains>a.example</sip-domains></topology>" EDGE(
	          "") "<pool-member fqdn=\"p.example\"><address>10.0.0.2</address></pool-member><site "
	              "name=\"Oslo\"/>"),
	  "  <topology>\n    <sip-domains>a.example</sip-domains>\n  </topology>\n  <edge "
	  "fqdn=\"e.example\">\n"
	  "    <external-listen>192.0.2.1</external-listen>\n    <external-fqdn>s.example</external-fqdn>\n"
	  "    <internal-listen>10.0.0.1</internal-listen>\n  </edge>\n  <pool-member fqdn=\"p.example\">\n"
	  "    <address>10.0.0.2</address>\n  </pool-member>\n  <site name=\"Oslo\"/>\n" },
	{ "takes_a_document_on_one_line", "<parley document='topology' schema='1'/>", "  <topology/>\n" },
	{ "takes_a_declaration", "<?xml version='1.0' encoding='utf-8' standalone=\"yes\" ?>\n" TOPOLOGY(""),
	  "  <topology/>\n" },
	{ "takes_a_byte_order_mark", "\xef\xbb\xbf" TOPOLOGY(""), "  <topology/>\n" },
	{ "takes_windows_line_ends",
	  "<parley document=\"topology\" schema=\"1\">\r\n<topology>\r\n</topology>\r\n</parley>\r\n",
	  "  <topology/>\n" },
	{ "leaves_out_what_is_at_its_default",
	  ACCESS("<access-edge><idle-timeout>600</idle-timeout></access-edge>"), "  <access-edge/>\n" },
	{ "writes_what_is_not", ACCESS("<access-edge><idle-timeout> 0601 </idle-timeout></access-edge>"),
	  "  <access-edge>\n    <idle-timeout>601</idle-timeout>\n  </access-edge>\n" },
	{ "writes_required_fields_always", TOPOLOGY(EDGE("<external-port>5061</external-port>")),
	  "  <topology/>\n  <edge fqdn=\"e.example\">\n    <external-listen>192.0.2.1</external-listen>\n"
	  "    <external-fqdn>s.example</external-fqdn>\n    <internal-listen>10.0.0.1</internal-listen>\n  "
	  "</edge>\n" },
	{ "writes_an_empty_value_that_is_not_the_default",
	  TOPOLOGY(EDGE("<external-trust></external-trust>")),
	  "  <topology/>\n  <edge fqdn=\"e.example\">\n    <external-listen>192.0.2.1</external-listen>\n"
	  "    <external-fqdn>s.example</external-fqdn>\n    <internal-listen>10.0.0.1</internal-listen>\n"
	  "    <external-trust/>\n  </edge>\n" },
	{ "orders_objects_by_key",
	  DOMAINS("<blocked-domain domain='z'/><allowed-domain domain='b.a'/><allowed-domain domain='A'/>"),
	  "  <allowed-domain domain=\"a\"/>\n  <allowed-domain domain=\"b.a\"/>\n  <blocked-domain "
	  "domain=\"z\"/>\n" },
	{ "orders_fields_by_row",
	  ACCESS("<access-edge><drain-timeout>1</drain-timeout><allow-federated-users>true</"
	         "allow-federated-users></access-edge>"),
	  "  <access-edge>\n    <allow-federated-users>true</allow-federated-users>\n    "
	  "<drain-timeout>1</drain-timeout>\n"
	  "  </access-edge>\n" },
	{ "separates_items_by_one_blank",
	  TOPOLOGY("<topology><sip-domains>\n  contoso.example,\n  contoso.net\n</sip-domains></topology>"),
	  "  <topology>\n    <sip-domains>contoso.example contoso.net</sip-domains>\n  </topology>\n" },
	{ "keeps_special_characters",
	  DOMAINS("<allowed-domain domain='a'><comment>A &amp; B &lt;x&gt; &quot;q&quot; "
	          "&#x8054;</comment></allowed-domain>"),
	  "  <allowed-domain domain=\"a\">\n    <comment>A &amp; B &lt;x&gt; &quot;q&quot; "
	  "\xe8\x81\x94</comment>\n"
	  "  </allowed-domain>\n" },
	{ "takes_cdata_as_text",
	  DOMAINS("<allowed-domain domain='a'><comment><![CDATA[<b>&amp;]]></comment></allowed-domain>"),
	  "  <allowed-domain domain=\"a\">\n    <comment>&lt;b&gt;&amp;amp;</comment>\n  "
	  "</allowed-domain>\n" },
	{ "makes_one_line_of_a_long_comment",
	  DOMAINS("<allowed-domain domain='a'><comment>\n   two\n   lines\n</comment></allowed-domain>"),
	  "  <allowed-domain domain=\"a\">\n    <comment>two lines</comment>\n  </allowed-domain>\n" },
	{ "turns_international_names_into_a_labels",
	  DOMAINS("<allowed-domain domain='B\xc3\xbc"
	          "cher.example'/>"),
	  "  <allowed-domain domain=\"xn--bcher-kva.example\"/>\n" },
	{ "turns_international_names_in_lists_into_a_labels",
	  TOPOLOGY("<topology><sip-domains>a.example, b\xc3\xbc"
	           "cher.example</sip-domains></topology>"),
	  "  <topology>\n    <sip-domains>a.example xn--bcher-kva.example</sip-domains>\n  </topology>\n" },
	{ "keeps_a_comment_with_the_object_that_follows",
	  DOMAINS("<!--  about b  --><allowed-domain domain='b'/><!--about a--><allowed-domain domain='a'/>"),
	  "  <!-- about a -->\n  <allowed-domain domain=\"a\"/>\n  <!-- about b -->\n  <allowed-domain "
	  "domain=\"b\"/>\n" },
	{ "keeps_comments_inside_and_behind_an_object",
	  DOMAINS("<!--1--><allowed-domain "
	          "domain='a'><!--2--><comment>x<!--3--></comment></allowed-domain><!--4-->"),
	  "  <!-- 1\n2\n3\n4 -->\n  <allowed-domain domain=\"a\">\n    <comment>x</comment>\n  "
	  "</allowed-domain>\n" },
	{ "keeps_a_comment_before_the_root", "<!-- mine -->" TOPOLOGY("<topology/>"),
	  "  <!-- mine -->\n  <topology/>\n" },
	{ "makes_its_own_head_anew", "<!-- Parley, topology.xml: old words -->" TOPOLOGY("<topology/>"),
	  "  <topology/>\n" },
	{ "keeps_a_comment_that_only_looks_like_the_head", TOPOLOGY("<!-- Parley, x --><topology/>"),
	  "  <!-- Parley, x -->\n  <topology/>\n" },
	{ "adds_the_global_policy", POLICIES(""), "  <access-policy identity=\"Global\"/>\n" },
};

static void takes_and_prints_in_the_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		struct slice name = name_of(taken[i].text);
		struct guard bytes = guard_copy(slice_of(taken[i].text));
		struct model_snapshot *snapshot, *again;
		struct buffer printed, second;
		const char *inside;

		print_message("  %s\n", taken[i].behaviour);
		if (strstr(taken[i].text, "document='topology'"))
			name = SLICE("topology.xml");
		snapshot = must_read(name, bytes.bytes);
		guard_free(&bytes);
		print_to(snapshot, name, &printed);
		buffer_add_char(&printed, '\0');
		inside = strstr(strstr(printed.bytes, "<parley "), ">\n") + 2;
		assert_memory_equal(strstr(inside, "</parley>\n"), "</parley>\n", sizeof "</parley>\n");
		*strstr(inside, "</parley>\n") = '\0';
		assert_string_equal(inside, taken[i].printed);
		buffer_stop(&printed);

		/* Printing is a fixed point, and reads as an equal snapshot. */
		print_to(snapshot, name, &printed);
		again = must_read(name, buffer_slice(&printed));
		assert_true(model_snapshot_equal(snapshot, again));
		print_to(again, name, &second);
		assert_true(slice_equal(buffer_slice(&printed), buffer_slice(&second)));
		buffer_stop(&printed);
		buffer_stop(&second);
		model_snapshot_free(&snapshot);
		model_snapshot_free(&again);
	}
}

static void a_document_not_given_keeps_what_the_base_has(void **state)
{
	struct model_snapshot *base, *snapshot;
	struct config_problems problems;
	struct config_document document = {
		.name = SLICE("access-edge.xml"),
		.bytes = SLICE(ACCESS("<access-edge><idle-timeout>99</idle-timeout></access-edge>"))
	};

	(void)state;
	base = must_read(
	        SLICE("sip-domains.xml"),
	        SLICE(DOMAINS("<!-- why --><allowed-domain domain='a'/><blocked-domain domain='b'/>")));
	config_problems_start(&problems);
	assert_int_equal(config_read(&document, 1, base, &snapshot, &problems), RESULT_OK);
	assert_non_null(model_snapshot_find(snapshot, MODEL_BLOCKED_DOMAIN, SLICE("b")));
	assert_int_equal(model_snapshot_find(snapshot, MODEL_ALLOWED_DOMAIN, SLICE("a"))->comment.len, 3);
	assert_int_equal(model_snapshot_one(snapshot, MODEL_ACCESS_EDGE)
	                         ->values[MODEL_FIELD(access_edge, idle_timeout)]
	                         .number,
	                 99);
	model_snapshot_free(&base);
	base = snapshot;
	document = (struct config_document){ .name = SLICE("sip-domains.xml"), .bytes = SLICE(DOMAINS("")) };
	assert_int_equal(config_read(&document, 1, base, &snapshot, &problems), RESULT_OK);
	assert_int_equal(snapshot->kinds[MODEL_BLOCKED_DOMAIN].count, 0);
	assert_int_equal(model_snapshot_one(snapshot, MODEL_ACCESS_EDGE)
	                         ->values[MODEL_FIELD(access_edge, idle_timeout)]
	                         .number,
	                 99);
	config_problems_stop(&problems);
	model_snapshot_free(&base);
	model_snapshot_free(&snapshot);
}

static void a_document_says_the_version_it_was_edited_from(void **state)
{
	struct config_document document = {
		.name = SLICE("topology.xml"),
		.bytes = SLICE("<parley document='topology' schema='1' version='12'/>")
	};
	struct config_problems problems;
	struct model_snapshot *snapshot;
	struct buffer out;

	(void)state;
	config_problems_start(&problems);
	assert_int_equal(config_read(&document, 1, NULL, &snapshot, &problems), RESULT_OK);
	assert_int_equal(document.version, 12);
	buffer_start(&out, 1 << 16);
	assert_int_equal(config_print(snapshot, SLICE("topology.xml"), 13, &out), RESULT_OK);
	buffer_add_char(&out, '\0');
	assert_non_null(strstr(out.bytes, "schema=\"1\" version=\"13\">"));
	buffer_stop(&out);
	config_problems_stop(&problems);
	model_snapshot_free(&snapshot);
}

static void host_xml_is_read_alone_and_has_no_version(void **state)
{
	struct config_problems problems;
	struct model_snapshot *snapshot;

	(void)state;
	config_problems_start(&problems);
	assert_int_equal(config_read_host(SLICE("<parley document='host' "
	                                        "schema='1'><host><node>e.example</node></host></parley>"),
	                                  &snapshot, &problems),
	                 RESULT_OK);
	assert_true(
	        slice_equal(model_snapshot_one(snapshot, MODEL_HOST)->values[MODEL_FIELD(host, node)].text,
	                    SLICE("e.example")));
	model_snapshot_free(&snapshot);
	assert_int_equal(config_read_host(SLICE("<parley document='host' schema='1' version='3'/>"),
	                                  &snapshot, &problems),
	                 RESULT_INVALID);
	assert_int_equal(config_read_host(SLICE("<parley document='host' schema='1'><topology/></parley>"),
	                                  &snapshot, &problems),
	                 RESULT_INVALID);
	config_problems_stop(&problems);
}

/* ---- limits ---- */

static void limits_are_named_at_n_and_n_plus_1(void **state)
{
	struct model_snapshot *snapshot;
	struct config_problems problems;
	struct buffer text;

	(void)state;
	buffer_start(&text, CONFIG_LIST_BYTES_MAX + 16);
	for (int over = 0; over <= 1; over++) { /* a document's bytes */
		config_problems_start(&problems);
		buffer_clear(&text);
		buffer_add(&text, SLICE(ROOT("topology") END));
		while (buffer_length(&text) < (size_t)CONFIG_DOCUMENT_BYTES_MAX + (size_t)over)
			buffer_add_char(&text, ' ');
		assert_int_equal(read_bytes(SLICE("topology.xml"), buffer_slice(&text), &snapshot, &problems),
		                 over ? RESULT_INVALID : RESULT_OK);
		model_snapshot_free(&snapshot);
		config_problems_stop(&problems);
	}
	for (int over = 0; over <= 1; over++) { /* an object's comments */
		config_problems_start(&problems);
		buffer_clear(&text);
		buffer_add(&text, SLICE(ROOT("topology") "<!--"));
		for (int i = 0; i < CONFIG_COMMENT_BYTES_MAX + over; i++)
			buffer_add_char(&text, 'x');
		buffer_add(&text, SLICE("--><topology/>" END));
		assert_int_equal(read_bytes(SLICE("topology.xml"), buffer_slice(&text), &snapshot, &problems),
		                 over ? RESULT_INVALID : RESULT_OK);
		model_snapshot_free(&snapshot);
		config_problems_stop(&problems);
	}
	for (int over = 0; over <= 1; over++) { /* a field's text */
		config_problems_start(&problems);
		buffer_clear(&text);
		buffer_add(&text, SLICE(ROOT("topology") "<topology><media>"));
		for (int i = 0; i < CONFIG_FIELD_BYTES_MAX - (int)strlen("none") + over; i++)
			buffer_add_char(&text, ' ');
		buffer_add(&text, SLICE("none</media></topology>" END));
		assert_int_equal(read_bytes(SLICE("topology.xml"), buffer_slice(&text), &snapshot, &problems),
		                 over ? RESULT_INVALID : RESULT_OK);
		model_snapshot_free(&snapshot);
		config_problems_stop(&problems);
	}
	buffer_stop(&text);
}

/* The parser below takes seconds for a megabyte of them, and says so only afterwards. */
static void a_tag_crowded_with_attributes_never_reaches_the_parser(void **state)
{
	struct model_snapshot *snapshot;
	struct config_problems problems;
	struct buffer text;

	(void)state;
	buffer_start(&text, CONFIG_DOCUMENT_BYTES_MAX);
	for (int over = 0; over <= 1; over++) {
		config_problems_start(&problems);
		buffer_clear(&text);
		buffer_add(&text, SLICE(ROOT("topology") "<topology"));
		for (int i = 0; i < CONFIG_EQUALS_MAX + over; i++)
			buffer_printf(&text, "\na%d=''", i);
		buffer_add(&text, SLICE("/>" END));
		assert_int_equal(read_bytes(SLICE("topology.xml"), buffer_slice(&text), &snapshot, &problems),
		                 RESULT_INVALID);
		assert_int_equal(problems.items[0].line, 2 + CONFIG_EQUALS_MAX + over);
		assert_string_equal(problems.items[0].why,
		                    over ? "has more than 8192 '=' in one tag or text"
		                         : "has an element with more than 8 attributes");
		config_problems_stop(&problems);
	}
	buffer_stop(&text);
}

static void reads_a_list_of_many_domains_in_any_order(void **state)
{
	enum { DOMAINS_COUNT = 100000 };
	struct model_snapshot *snapshot, *again;
	struct buffer text, printed;

	(void)state;
	buffer_start(&text, CONFIG_LIST_BYTES_MAX);
	buffer_add(&text, SLICE(ROOT("sip-domains")));
	for (uint64_t i = 0; i < DOMAINS_COUNT; i++)
		buffer_printf(&text, "<blocked-domain domain=\"d%06u.example\"/>\n",
		              (unsigned)(i * 77773 % DOMAINS_COUNT));
	buffer_add(&text, SLICE(END));
	snapshot = must_read(SLICE("sip-domains.xml"), buffer_slice(&text));
	assert_int_equal(snapshot->kinds[MODEL_BLOCKED_DOMAIN].count, DOMAINS_COUNT);
	print_to(snapshot, SLICE("sip-domains.xml"), &printed);
	again = must_read(SLICE("sip-domains.xml"), buffer_slice(&printed));
	assert_true(model_snapshot_equal(snapshot, again));
	model_snapshot_free(&snapshot);
	model_snapshot_free(&again);
	buffer_stop(&text);
	buffer_stop(&printed);
}

/* ---- the shipped documents ---- */

static void read_file(const char *path, struct buffer *out)
{
	FILE *file = fopen(path, "rb");
	char bytes[4096];
	size_t count;

	assert_non_null(file);
	buffer_start(out, CONFIG_DOCUMENT_BYTES_MAX);
	while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
		buffer_add(out, (struct slice){ bytes, count });
	fclose(file);
}

/* Beside the defaults: the public providers of old, all off, of each of which it is known that it has ended. */
static void take_known_providers(struct model_snapshot *snapshot)
{
	static const char *const names[] = { "AOL", "Windows Live", "Yahoo!" };

	assert_int_equal(snapshot->kinds[MODEL_SIP_PROVIDER].count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct model_object *provider = model_snapshot_find(snapshot, MODEL_SIP_PROVIDER,
		                                                          slice_of(names[i]));

		assert_non_null(provider);
		assert_false(provider->values[MODEL_FIELD(sip_provider, enabled)].flag);
		assert_non_null(model_notice(provider));
		model_snapshot_remove(snapshot, MODEL_SIP_PROVIDER, slice_of(names[i]));
	}
}

static void the_shipped_documents_are_the_defaults_in_the_one_form(void **state)
{
	struct model_snapshot *defaults = model_snapshot_new(), *snapshot;
	struct config_document documents[12] = { 0 };
	struct buffer texts[12], printed;
	struct config_problems problems;
	size_t count = 0;

	(void)state;
	config_problems_start(&problems);
	for (const char *name; (name = config_document_name(count)) != NULL; count++) {
		char path[128];

		snprintf(path, sizeof path, "conf.d/%s", name);
		read_file(path, &texts[count]);
		documents[count] = (struct config_document){ .name = slice_of(name),
			                                     .bytes = buffer_slice(&texts[count]) };
	}
	assert_true(count >= 5);
	assert_null(config_document_name(count));
	assert_int_equal(config_read(documents, count, NULL, &snapshot, &problems), RESULT_OK);
	for (size_t i = 0; i < count; i++) {
		print_to(snapshot, documents[i].name, &printed);
		if (!slice_equal(buffer_slice(&printed), documents[i].bytes))
			fail_msg("%.*s: %.*s", SLICE_ARG(documents[i].name),
			         SLICE_ARG(buffer_slice(&printed)));
		buffer_stop(&printed);
	}
	take_known_providers(snapshot);
	assert_true(model_snapshot_equal(defaults, snapshot));
	model_snapshot_free(&snapshot);
	read_file("conf.d/host.xml", &texts[count]);
	assert_int_equal(config_read_host(buffer_slice(&texts[count]), &snapshot, &problems), RESULT_OK);
	assert_true(model_snapshot_equal(defaults, snapshot));
	print_to(defaults, SLICE("host.xml"), &printed);
	assert_true(slice_equal(buffer_slice(&printed), buffer_slice(&texts[count])));
	buffer_stop(&printed);
	model_snapshot_free(&snapshot);
	for (size_t i = 0; i <= count; i++)
		buffer_stop(&texts[i]);

	/* What a newcomer meets: nobody outside until the master switch is on, one lock and not two. */
	assert_false(model_snapshot_one(defaults, MODEL_ACCESS_EDGE)
	                     ->values[MODEL_FIELD(access_edge, allow_federated_users)]
	                     .flag);
	const struct model_object *global = model_snapshot_find(defaults, MODEL_ACCESS_POLICY,
	                                                        SLICE("Global"));

	assert_true(global->values[MODEL_FIELD(access_policy, enable_federation_access)].flag);
	assert_true(global->values[MODEL_FIELD(access_policy, enable_xmpp_access)].flag);
	config_problems_stop(&problems);
	model_snapshot_free(&defaults);
}

static void each_allocation_may_fail(void **state)
{
	static const char text[] = DOMAINS("<!--c--><allowed-domain domain='b\xc3\xbc"
	                                   "cher.example'><comment>x</comment></allowed-domain>"
	                                   "<blocked-domain domain='b'/><x/>");

	(void)state;
#ifdef PARLEY_FAULTS
	for (unsigned long nth = 1;; nth++) {
		struct model_snapshot *snapshot;
		struct config_problems problems;
		enum result result;

		config_problems_start(&problems);
		mem_fail_at(nth);
		result = read_bytes(SLICE("sip-domains.xml"), SLICE(text), &snapshot, &problems);
		bool is_done = mem_count() < nth;

		mem_fail_at(0);
		assert_null(snapshot); /* <x/> is always refused */
		assert_true(result == RESULT_INVALID || result == RESULT_NO_MEMORY);
		if (is_done)
			assert_int_equal(result, RESULT_INVALID);
		config_problems_stop(&problems);
		if (is_done)
			break;
		assert_true(nth < 1000);
	}
#else
	(void)text;
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_prints_in_the_one_form),
		cmocka_unit_test(a_document_not_given_keeps_what_the_base_has),
		cmocka_unit_test(a_document_says_the_version_it_was_edited_from),
		cmocka_unit_test(host_xml_is_read_alone_and_has_no_version),
		cmocka_unit_test(limits_are_named_at_n_and_n_plus_1),
		cmocka_unit_test(a_tag_crowded_with_attributes_never_reaches_the_parser),
		cmocka_unit_test(reads_a_list_of_many_domains_in_any_order),
		cmocka_unit_test(the_shipped_documents_are_the_defaults_in_the_one_form),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
