/* presence: every row of the table, and that priorities and resources come back. */
#include "tests/unit/translate/table.h"

static struct xmpp_parser *parser;

#define PIDF_START "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:j@x.example'>"

/* "pidf:...p{away}" in full. */
static struct slice unfolded(struct arena *arena, struct slice text)
{
	struct slice rest = slice_after(text, slice_starts(text, SLICE("pidf:")) ? 5 : 0);
	const char *person = memmem(rest.ptr, rest.len, "p{", 2);
	struct slice activity = SLICE("");

	if (!slice_starts(text, SLICE("pidf:")))
		return text;
	if (person) {
		activity = slice_after(rest, (size_t)(person - rest.ptr) + 2);
		activity.len--;
		rest.len = (size_t)(person - rest.ptr);
	}
	return slice_of(arena_printf(
	        arena, PIDF_START "%.*s%s%.*s%s</presence>", SLICE_ARG(rest),
	        activity.len ? "<person xmlns='urn:ietf:params:xml:ns:pidf:data-model' id='person'>"
	                       "<activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'><"
	                     : "",
	        SLICE_ARG(activity), activity.len ? "/></activities></person>" : ""));
}

/* ---- XMPP to SIP ---- */

static struct slice to_pidf(struct arena *arena, struct slice stanzas)
{
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	const struct xmpp_element *stanza;
	struct xmpp_element *root;
	struct reason reason;
	size_t count = 0;
	char *text = arena_printf(arena, "<all xmlns='jabber:server'>%.*s</all>", SLICE_ARG(stanzas));
	struct slice pidf;

	assert_int_equal(xmpp_document_read(parser, slice_of(text), arena, &root, &reason), RESULT_OK);
	for (stanza = xmpp_first_element(root); stanza; stanza = xmpp_next_element(stanza)) {
		struct xmpp_jid jid;

		if (translate_presence_from_stanza(stanza, arena, &resources[count]) != TRANSLATE_OK)
			return SLICE("nothing");
		assert_int_equal(xmpp_jid_parse(xmpp_get(stanza, SLICE("from")), arena, &jid, &reason),
		                 RESULT_OK);
		resources[count++].resource = jid.resource;
	}
	pidf = translate_pidf_write(SLICE("pres:j@x.example"), SLICE("sip:j@x.example"), resources, count,
	                            arena);
	assert_true(slice_starts(pidf, SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n")));
	return slice_after(pidf, slice_find(pidf, '\n') + 1);
}

/* ---- SIP to XMPP ---- */

static struct slice to_stanzas(struct arena *arena, struct slice document)
{
	struct translate_resource resources[TRANSLATE_RESOURCES_MAX];
	struct translate_refusal refusal = { 0 };
	struct buffer out;
	struct slice copy;
	size_t count;

	if (translate_pidf_read(document, parser, arena, resources, &count, &refusal) != TRANSLATE_OK)
		return slice_of(arena_printf(arena, "refuse %d", refusal.status));
	buffer_start(&out, 64 * 1024);
	for (size_t i = 0; i < count; i++) {
		struct xmpp_builder b = { .arena = arena };
		char *from = arena_printf(arena, "s@sip.example/%.*s", SLICE_ARG(resources[i].resource));

		assert_true(xmpp_write(
		        translate_presence_to_stanza(&b, &resources[i], slice_of(from), SLICE("j@x.example")),
		        XMPP_SCOPE_SERVER, &out));
	}
	copy = arena_copy(arena, buffer_slice(&out));
	buffer_stop(&out);
	return copy;
}

/* A hashed resource is whatever the hash is: what counts is that it is one, and not what the id said. */
static struct slice without_hash(struct arena *arena, struct slice text)
{
	char *copy = arena_text(arena, text);
	char *at = strstr(copy, "/sip-");

	if (at)
		memmove(at + 6, at + 5 + strspn(at + 5, "0123456789abcdef"),
		        strlen(at + 5 + strspn(at + 5, "0123456789abcdef")) + 1);
	if (at)
		at[5] = '#';
	return slice_of(copy);
}

static void maps_each_row(void **state)
{
	struct table *t = malloc(sizeof *t);

	(void)state;
	table_start(t, "tests/tables/translate-presence.txt");
	while (table_next(t, 4)) {
		if (slice_equal(t->columns[1], SLICE("xmpp")))
			table_expect(t, to_pidf(&t->arena, t->columns[2]),
			             unfolded(&t->arena, t->columns[3]));
		else
			table_expect(t,
			             without_hash(&t->arena,
			                          to_stanzas(&t->arena, unfolded(&t->arena, t->columns[2]))),
			             without_hash(&t->arena, t->columns[3]));
	}
	table_stop(t, 45);
	free(t);
}

/* All 128 priorities and every byte of a resource: there and back is the identity. */
static void priorities_and_resources_come_back(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	for (int n = 0; n < 128; n++) {
		char name[8] = { 'r', (char)n, 'z' };
		struct translate_resource in = { .is_open = true, .has_priority = true, .priority = n };
		struct translate_resource out[TRANSLATE_RESOURCES_MAX];
		struct translate_refusal refusal;
		struct slice pidf;
		size_t count;

		arena_reset(&arena);
		in.resource = (struct slice){ name, 3 };
		pidf = translate_pidf_write(SLICE("pres:a@b"), SLICE("sip:a@b"), &in, 1, &arena);
		assert_int_equal(translate_pidf_read(pidf, parser, &arena, out, &count, &refusal),
		                 TRANSLATE_OK);
		assert_int_equal(count, 1);
		assert_true(out[0].is_open && out[0].has_priority);
		assert_int_equal(out[0].priority, n);
		if (n >= 0x20 && n != 0x7F)
			assert_true(slice_equal(out[0].resource, in.resource));
		else
			assert_true(slice_starts(out[0].resource, SLICE("sip-")));
	}
	arena_stop(&arena);
}

static void more_tuples_than_anybody_owns(void **state)
{
	struct translate_resource out[TRANSLATE_RESOURCES_MAX];
	struct translate_refusal refusal;
	struct buffer text;
	struct arena arena;
	size_t count;

	(void)state;
	for (size_t tuples = TRANSLATE_RESOURCES_MAX - 1; tuples <= TRANSLATE_RESOURCES_MAX + 1; tuples++) {
		arena_start(&arena, TRANSLATE_ARENA_MAX);
		buffer_start(&text, 64 * 1024);
		buffer_add(&text, SLICE(PIDF_START));
		for (size_t i = 0; i < tuples; i++)
			buffer_printf(&text,
			              "<tuple id='ID-%zu'><status><basic>open</basic></status></tuple>", i);
		buffer_add(&text, SLICE("</presence>"));
		assert_int_equal(
		        translate_pidf_read(buffer_slice(&text), parser, &arena, out, &count, &refusal),
		        TRANSLATE_OK);
		assert_int_equal(count, tuples > TRANSLATE_RESOURCES_MAX ? TRANSLATE_RESOURCES_MAX : tuples);
		buffer_stop(&text);
		arena_stop(&arena);
	}
}

static int start(void **state)
{
	(void)state;
	parser = xmpp_parser_new();
	return parser ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	xmpp_parser_free(&parser);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_each_row),
		cmocka_unit_test(priorities_and_resources_come_back),
		cmocka_unit_test(more_tuples_than_anybody_owns),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
