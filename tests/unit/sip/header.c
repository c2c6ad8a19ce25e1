/* header: a name finds its row however it is spelt, and the table strips what carries trust. */
#include "tests/unit/sip/sample.h"

static void spell(struct slice name, unsigned how, char *to)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_upper = how == 1 || (how == 2 && i % 2 == 0);

		to[i] = !is_letter || how == 3 ? c : (char)(is_upper ? c & ~0x20 : c | 0x20);
	}
}

static void every_name_finds_its_row_in_any_case(void **state)
{
	(void)state;
	for (unsigned id = 1; id < SIP_HEADER_ID_COUNT; id++) {
		const struct sip_header_row *row = sip_header_row((enum sip_header_id)id);
		struct slice name = slice_of(row->name);
		char spelt[64];

		assert_true(name.len > 1 && name.len <= 32); /* header.c switches over lengths up to 32 */
		assert_true(strlen(row->source) > 3);
		for (unsigned how = 0; how < 4; how++) {
			spell(name, how, spelt);
			struct guard guard = guard_copy((struct slice){ spelt, name.len });
			assert_int_equal(sip_header_id(guard.bytes), id);
			guard_free(&guard);
		}
	}
}

static void names_one_character_off_are_unknown(void **state)
{
	(void)state;
	for (unsigned id = 1; id < SIP_HEADER_ID_COUNT; id++) {
		struct slice name = slice_of(sip_header_row((enum sip_header_id)id)->name);
		char text[64];

		if (name.ptr[name.len - 1] == '*')
			continue;
		for (size_t at = 0; at < name.len; at++) {
			memcpy(text, name.ptr, name.len);
			text[at] = '~';
			assert_int_not_equal(sip_header_id((struct slice){ text, name.len }), id);
			/* The bit by which letters differ in case, set in something that is no letter. */
			text[at] = (char)(name.ptr[at] ^ 0x20);
			bool is_letter = (name.ptr[at] | 0x20) >= 'a' && (name.ptr[at] | 0x20) <= 'z';
			if (!is_letter)
				assert_int_equal(sip_header_id((struct slice){ text, name.len }),
				                 SIP_HEADER_OTHER);
		}
		memcpy(text, name.ptr, name.len);
		text[name.len] = 'x';
		assert_int_not_equal(sip_header_id((struct slice){ text, name.len + 1 }), id);
		if (name.len > 2) /* "T" is "To" as well */
			assert_int_not_equal(sip_header_id((struct slice){ text, name.len - 1 }), id);
	}
	assert_int_equal(sip_header_id(SLICE("")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_id(SLICE("Via ")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_id(SLICE("X-Unknown")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_id(SLICE("A-Name-Longer-Than-Any-Row-Of-The-Table")), SIP_HEADER_OTHER);
}

static void compact_forms_are_unique_and_found_in_both_cases(void **state)
{
	static const struct {
		const char *compact;
		enum sip_header_id id;
	} rows[] = {
		{ "i", SIP_CALL_ID },
		{ "m", SIP_CONTACT },
		{ "e", SIP_CONTENT_ENCODING },
		{ "l", SIP_CONTENT_LENGTH },
		{ "c", SIP_CONTENT_TYPE },
		{ "f", SIP_FROM },
		{ "s", SIP_SUBJECT },
		{ "k", SIP_SUPPORTED },
		{ "t", SIP_TO },
		{ "v", SIP_VIA },
		{ "o", SIP_EVENT },
		{ "u", SIP_ALLOW_EVENTS },
		{ "r", SIP_REFER_TO },
		{ "b", SIP_REFERRED_BY },
		{ "x", SIP_SESSION_EXPIRES },
		{ "a", SIP_ACCEPT_CONTACT },
		{ "j", SIP_REJECT_CONTACT },
		{ "d", SIP_REQUEST_DISPOSITION },
		{ "y", SIP_IDENTITY },
		{ "n", SIP_IDENTITY_INFO },
	};
	size_t compact_rows = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char upper = (char)(rows[i].compact[0] & ~0x20);

		assert_int_equal(sip_header_id(slice_of(rows[i].compact)), rows[i].id);
		assert_int_equal(sip_header_id((struct slice){ &upper, 1 }), rows[i].id);
	}
	for (unsigned id = 1; id < SIP_HEADER_ID_COUNT; id++)
		compact_rows += sip_header_row((enum sip_header_id)id)->compact != 0;
	assert_int_equal(compact_rows, COUNT(rows));
	assert_int_equal(sip_header_id(SLICE("z")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_id(SLICE("*")), SIP_HEADER_OTHER);
}

static void prefix_rules_catch_what_has_no_row(void **state)
{
	(void)state;
	assert_int_equal(sip_header_id(SLICE("P-Charging-Vector")), SIP_P_CHARGING_ANY);
	assert_int_equal(sip_header_id(SLICE("p-CHARGING-function-addresses")), SIP_P_CHARGING_ANY);
	assert_int_equal(sip_header_id(SLICE("P-Charging-And-A-Name-Nobody-Has-Thought-Of-Yet")),
	                 SIP_P_CHARGING_ANY);
	assert_int_equal(sip_header_id(SLICE("P-DCS-Billing-Info")), SIP_P_DCS_ANY);
	assert_int_equal(sip_header_id(SLICE("P-Charging")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_id(SLICE("P-Asserted-Identity")), SIP_P_ASSERTED_IDENTITY);
}

/* SIP-2, SIP-14: what carries trust, and which way it may not go. */
static void trust_is_stripped_by_the_table(void **state)
{
	enum { IN = SIP_STRIP_IN, OUT = SIP_STRIP_OUT, BOTH = IN | OUT };
	static const struct {
		const char *name;
		unsigned strip;
	} rows[] = {
		{ "P-Asserted-Identity", BOTH },
		{ "P-Preferred-Identity", BOTH },
		{ "Remote-Party-ID", BOTH },
		{ "P-Asserted-Service", BOTH },
		{ "P-Preferred-Service", BOTH },
		{ "P-Served-User", BOTH },
		{ "P-Associated-URI", BOTH },
		{ "P-Called-Party-ID", BOTH },
		{ "P-Access-Network-Info", BOTH },
		{ "P-Visited-Network-ID", BOTH },
		{ "P-Charging-Vector", BOTH },
		{ "P-Charging-Function-Addresses", BOTH },
		{ "P-DCS-LAES", BOTH },
		{ "Diversion", IN },
		{ "History-Info", BOTH },
		{ "Identity", IN },
		{ "Identity-Info", IN },
		{ "Privacy", IN },
		{ "Authorization", BOTH },
		{ "Proxy-Authorization", BOTH },
		{ "Authentication-Info", BOTH },
		{ "ms-edge-proxy-message-trust", BOTH },
		{ "ms-user-data", BOTH },
		{ "ms-user-logon-data", BOTH },
		{ "ms-asserted-verification-level", BOTH },
		{ "ms-split-domain-info", BOTH },
		{ "ms-diagnostics", BOTH },
		{ "ms-diagnostics-public", 0 },
		/* Challenges pass; only answers to them do not. */
		{ "WWW-Authenticate", 0 },
		{ "Proxy-Authenticate", 0 },
		{ "Reason", 0 },
		{ "Supported", 0 },
		{ "X-Unknown", 0 },
		{ "ms-text-format", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned flags = sip_header_row(sip_header_id(slice_of(rows[i].name)))->flags;

		if ((flags & BOTH) != rows[i].strip)
			fail_msg("%s", rows[i].name);
	}
}

static void what_each_hop_writes_is_marked_and_never_stripped(void **state)
{
	static const enum sip_header_id hop[] = { SIP_VIA, SIP_ROUTE, SIP_RECORD_ROUTE, SIP_MAX_FORWARDS,
		                                  SIP_CONTENT_LENGTH };
	size_t marked = 0;

	(void)state;
	for (unsigned id = 0; id < SIP_HEADER_ID_COUNT; id++)
		marked += (sip_header_row((enum sip_header_id)id)->flags & SIP_HOP) != 0;
	assert_int_equal(marked, COUNT(hop));
	for (size_t i = 0; i < COUNT(hop); i++) {
		assert_true(sip_header_row(hop[i])->flags & SIP_HOP);
		assert_false(sip_header_row(hop[i])->flags & (SIP_STRIP_IN | SIP_STRIP_OUT));
	}
	for (unsigned id = 0; id < SIP_HEADER_ID_COUNT; id++)
		assert_int_not_equal(sip_header_row((enum sip_header_id)id)->flags & (SIP_SINGLE | SIP_LIST),
		                     SIP_SINGLE | SIP_LIST);
}

static void a_number_out_of_range_is_the_unknown_row(void **state)
{
	(void)state;
	assert_string_equal(sip_header_row((enum sip_header_id)SIP_HEADER_ID_COUNT)->name, "");
	assert_string_equal(sip_header_row((enum sip_header_id) - 1)->name, "");
	assert_slice(sip_method_name((enum sip_method)SIP_METHOD_COUNT), "");
}

static void methods_are_known_by_their_exact_case(void **state)
{
	(void)state;
	for (unsigned i = 1; i < SIP_METHOD_COUNT; i++)
		assert_int_equal(sip_method_of(sip_method_name((enum sip_method)i)), i);
	assert_int_equal(sip_method_of(SLICE("invite")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_of(SLICE("INVITES")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_of(SLICE("")), SIP_METHOD_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_finds_its_row_in_any_case),
		cmocka_unit_test(names_one_character_off_are_unknown),
		cmocka_unit_test(compact_forms_are_unique_and_found_in_both_cases),
		cmocka_unit_test(prefix_rules_catch_what_has_no_row),
		cmocka_unit_test(trust_is_stripped_by_the_table),
		cmocka_unit_test(what_each_hop_writes_is_marked_and_never_stripped),
		cmocka_unit_test(a_number_out_of_range_is_the_unknown_row),
		cmocka_unit_test(methods_are_known_by_their_exact_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
