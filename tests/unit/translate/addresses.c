/* addresses: every row of the table, and that no two addresses become one. */
#include "shared/base/memory.h"
#include "tests/unit/translate/table.h"

static struct slice sip_to_xmpp(struct arena *arena, struct slice text)
{
	struct translate_refusal refusal = { 0 };
	struct sip_uri uri;
	struct xmpp_jid jid;
	enum sip_parse parse = sip_uri_parse(text, &uri, NULL);

	if (parse != SIP_PARSE_OK)
		return SLICE("refuse 414"); /* the only fault of a URI in the table */
	switch (translate_address_to_jid(&uri, arena, &jid, &refusal)) {
	case TRANSLATE_OK: return xmpp_jid_text(&jid, arena);
	case TRANSLATE_REFUSED:
		assert_true(refusal.why[0] != '\0' && refusal.condition == XMPP_JID_MALFORMED);
		return slice_of(arena_printf(arena, "refuse %d", refusal.status));
	default: return SLICE("no memory");
	}
}

static struct slice xmpp_to_sip(struct arena *arena, struct slice text)
{
	struct translate_refusal refusal = { 0 };
	struct xmpp_jid jid;
	struct slice uri;
	enum translate_answer answer = translate_jid_read(text, arena, &jid, &refusal);

	if (answer == TRANSLATE_OK)
		answer = translate_address_to_uri(&jid, arena, &uri, &refusal);
	if (answer == TRANSLATE_OK)
		return uri;
	assert_int_equal(answer, TRANSLATE_REFUSED);
	return slice_of(arena_printf(arena, "refuse %s", xmpp_condition_name(refusal.condition).ptr));
}

static void maps_each_row(void **state)
{
	struct table *t = malloc(sizeof *t);

	(void)state;
	table_start(t, "tests/tables/translate-addresses.txt");
	while (table_next(t, 4)) {
		struct guard in = guard_copy(t->columns[2]);
		bool is_sip = slice_equal(t->columns[1], SLICE("sip"));

		table_expect(t, is_sip ? sip_to_xmpp(&t->arena, in.bytes) : xmpp_to_sip(&t->arena, in.bytes),
		             t->columns[3]);
		guard_free(&in);
	}
	table_stop(t, 55);
	free(t);
}

/* ---- properties: the alphabet that matters, all words of up to four letters ---- */

static const char *const letters[] = { "a",    "B",    ".",    "#",  "%",  "%25",      "\\", "\\5c",
	                               "\\20", "\\27", "\\40", "5c", "20", "\xC3\xBC", "[",  ";" };

static void each_word(void (*check)(struct arena *arena, struct slice word), struct arena *arena)
{
	for (size_t n = 0; n < COUNT(letters) * COUNT(letters) * COUNT(letters) * COUNT(letters); n++) {
		char word[64];
		size_t k = n;

		snprintf(word, sizeof word, "%s%s%s%s", letters[k % COUNT(letters)],
		         letters[k / COUNT(letters) % COUNT(letters)],
		         letters[k / COUNT(letters) / COUNT(letters) % COUNT(letters)],
		         letters[k / COUNT(letters) / COUNT(letters) / COUNT(letters)]);
		arena_reset(arena);
		check(arena, slice_of(word));
	}
}

/* From XMPP to SIP and back is the identity, for every localpart that is let through. */
static void comes_back(struct arena *arena, struct slice word)
{
	struct slice text = slice_of(arena_printf(arena, "%.*s@xmpp.example", SLICE_ARG(word)));
	struct translate_refusal refusal;
	struct xmpp_jid jid, back;
	struct sip_uri uri;
	struct slice written;

	if (translate_jid_read(text, arena, &jid, &refusal) != TRANSLATE_OK ||
	    translate_address_to_uri(&jid, arena, &written, &refusal) != TRANSLATE_OK)
		return;
	assert_int_equal(sip_uri_parse(written, &uri, NULL), SIP_PARSE_OK);
	assert_int_equal(translate_address_to_jid(&uri, arena, &back, &refusal), TRANSLATE_OK);
	assert_true(xmpp_jid_equal(&jid, &back));
}

static void every_jid_comes_back(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	each_word(comes_back, &arena);
	arena_stop(&arena);
}

/* All escapes of one and of two bytes: what is let through comes back as the same URI user, byte for byte. */
static void escapes_are_one_to_one(void **state)
{
	static const char hex[] = "0123456789ABCDEF";
	struct arena arena;
	size_t accepted = 0;

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	for (int n = 0; n < 256 + 65536; n++) {
		int high = n < 256 ? n : (n - 256) >> 8, low = n < 256 ? 'x' : (n - 256) & 0xFF;
		char text[40];
		struct translate_refusal refusal;
		struct xmpp_jid jid, again;
		struct sip_uri uri;
		struct slice written;

		arena_reset(&arena);
		snprintf(text, sizeof text, "sip:a%%%c%c%%%c%cz@h.example", hex[high >> 4], hex[high & 15],
		         hex[low >> 4], hex[low & 15]);
		assert_int_equal(sip_uri_parse(slice_of(text), &uri, NULL), SIP_PARSE_OK);
		if (translate_address_to_jid(&uri, &arena, &jid, &refusal) != TRANSLATE_OK)
			continue;
		accepted++;
		assert_true(high >= 0x20 && low >= 0x20 && high != 0x7F && low != 0x7F);
		assert_int_equal(translate_address_to_uri(&jid, &arena, &written, &refusal), TRANSLATE_OK);
		assert_int_equal(sip_uri_parse(written, &uri, NULL), SIP_PARSE_OK);
		assert_int_equal(translate_address_to_jid(&uri, &arena, &again, &refusal), TRANSLATE_OK);
		assert_true(xmpp_jid_equal(&jid, &again));
	}
	assert_true(accepted > 8000);
	arena_stop(&arena);
}

/* Whatever allocation fails: the whole address, or none; half a name is somebody else's. */
static void half_an_address_is_none(void **state)
{
	(void)state;
#ifdef PARLEY_FAULTS
	for (unsigned long at = 1; at < 20; at++) {
		struct translate_refusal refusal = { 0 };
		struct arena arena;
		struct xmpp_jid jid = { SLICE("juliet"), SLICE("xmpp.example"), SLICE("phone") };
		struct slice uri = SLICE(""), entity;
		enum translate_answer answer;

		arena_start(&arena, TRANSLATE_ARENA_MAX);
		mem_fail_at(at);
		answer = translate_address_to_uri(&jid, &arena, &uri, &refusal);
		mem_fail_at(at);
		entity = translate_address_to_entity(&jid, &arena);
		mem_fail_at(0);
		if (answer == TRANSLATE_OK)
			assert_true(slice_equal(uri, SLICE("sip:juliet@xmpp.example;gr=phone")));
		assert_true(!entity.ptr || slice_equal(entity, SLICE("pres:juliet@xmpp.example")));
		arena_stop(&arena);
	}
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_an_address_is_none),
		cmocka_unit_test(maps_each_row),
		cmocka_unit_test(every_jid_comes_back),
		cmocka_unit_test(escapes_are_one_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
