/* A snapshot to documents in the one form that equal snapshots have: the inverse of read.c, and each is the other's test. */
#include "daemon/config/parts.h"
#include "shared/base/text.h"

/* What each document is for, said at its top; read.c passes over it. */
static const struct {
	const char *name, *sentence;
} heads[] = {
	{ CONFIG_HOST_DOCUMENT,
	  "what belongs to this machine only: names, users, files with keys, resolvers. "
	  "It is read at start and never copied to another edge." },
	{ "topology.xml",
	  "our own SIP domains, the edges, the pool behind them, and the sites of our users." },
	{ "access-edge.xml",
	  "the switches and limits of the Access Edge. "
	  "allow-federated-users is the master switch: while it is off nobody outside is talked with." },
	{ "sip-domains.xml", "the SIP domains we federate with (allowed-domain), "
	                     "and those with which nobody may talk (blocked-domain)." },
	{ "sip-providers.xml",
	  "SIP federated providers, public and hosting: one edge that serves the users of many domains. "
	  "A disabled one stays listed and nothing crosses." },
	{ "access-policies.xml",
	  "what users may do with the outside: Global for everybody, site:NAME for a site, any other "
	  "name for the users to whom it is granted (users.xml). The nearest counts, as a whole." },
	{ "users.xml", "users of ours of whom more is said than of everybody: their site, and the external "
	               "access policy granted to them." },
	{ "xmpp-partners.xml", "the XMPP domains we federate with (xmpp-partner), "
	                       "and the limits and times of the gateway to them (xmpp-gateway)." },
	{ "roles.xml", "which Unix users and groups may do what; root and the admin group need no entry." },
};

static void print_head(struct slice name, struct buffer *out)
{
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (slice_equal(name, slice_of(heads[i].name)))
			buffer_printf(out, "<!-- " CONFIG_HEAD "%s: %s -->\n", heads[i].name,
			              heads[i].sentence);
}

/* XML 1.0 §2.5: no "--" inside, no hyphen at the end; and nothing that XML cannot hold. */
static void print_comment(struct slice comment, struct buffer *out)
{
	char last = 0;

	buffer_add(out, SLICE("  <!-- "));
	while (comment.len) {
		uint32_t c = 0;
		size_t n = text_utf8_decode(comment, &c);

		if (n == 0 || (c < 0x20 && c != '\t' && c != '\n') || (c & 0xfffe) == 0xfffe) {
			buffer_add(out, SLICE("\xef\xbf\xbd"));
			n = n ? n : 1;
			last = 0;
		} else {
			if (c == '-' && last == '-')
				buffer_add_char(out, ' ');
			buffer_add(out, slice_first(comment, n));
			last = comment.ptr[0];
		}
		comment = slice_after(comment, n);
	}
	buffer_add(out, SLICE(" -->\n"));
}

static bool is_written(const struct model_object *object, size_t i, const struct model_object *defaults)
{
	const struct model_field *field = &object->kind->fields[i];

	if (field->flags & MODEL_KEY)
		return false;
	if (field->flags & MODEL_REQUIRED)
		return !model_value_is_empty(field, &object->values[i]);
	return !model_value_equal(field, &object->values[i], &defaults->values[i]);
}

/* A long list is printed on every publish, for the store and for the mirror: nothing here formats or allocates. */
static void print_tag(struct buffer *out, struct slice before, struct slice name, struct slice after)
{
	buffer_add(out, before);
	buffer_add(out, name);
	buffer_add(out, after);
}

/* `text`: room for one value, the caller's. */
static void print_field(const struct model_field *field, const struct model_value *value, struct buffer *text,
                        struct buffer *out)
{
	struct slice name = slice_of(field->name);

	if (model_value_is_empty(field, value)) {
		print_tag(out, SLICE("    <"), name, SLICE("/>\n"));
		return;
	}
	buffer_clear(text);
	model_value_write(field, value, text);
	print_tag(out, SLICE("    <"), name, SLICE(">"));
	text_escape_xml(out, buffer_slice(text));
	print_tag(out, SLICE("</"), name, SLICE(">\n"));
	out->is_broken |= text->is_broken;
}

static void print_object(const struct model_object *object, const struct model_object *defaults,
                         struct buffer *text, struct buffer *out)
{
	const struct model_kind *kind = object->kind;
	struct slice name = slice_of(kind->name);
	bool is_open = false;

	if (object->comment.len)
		print_comment(object->comment, out);
	print_tag(out, SLICE("  <"), name, SLICE(""));
	if (kind->key < kind->field_count) {
		print_tag(out, SLICE(" "), slice_of(kind->fields[kind->key].name), SLICE("=\""));
		text_escape_xml(out, model_object_key(object));
		buffer_add_char(out, '"');
	}
	for (size_t i = 0; i < kind->field_count; i++) {
		if (!is_written(object, i, defaults))
			continue;
		if (!is_open)
			buffer_add(out, SLICE(">\n"));
		is_open = true;
		print_field(&kind->fields[i], &object->values[i], text, out);
	}
	if (is_open)
		print_tag(out, SLICE("  </"), name, SLICE(">\n"));
	else
		buffer_add(out, SLICE("/>\n"));
}

static bool print_kind(const struct model_snapshot *snapshot, const struct model_kind *kind,
                       struct buffer *out)
{
	const struct model_objects *objects = &snapshot->kinds[kind->id];
	struct model_object *defaults;
	struct buffer text;
	struct arena arena;

	arena_start(&arena, CONFIG_DOCUMENT_BYTES_MAX);
	buffer_start(&text, CONFIG_FIELD_BYTES_MAX);
	defaults = model_object_new(&arena, kind);
	for (size_t i = 0; defaults && i < objects->count; i++)
		print_object(objects->items[i], defaults, &text, out);
	buffer_stop(&text);
	arena_stop(&arena);
	return defaults != NULL;
}

enum result config_print(const struct model_snapshot *snapshot, struct slice name, uint64_t version,
                         struct buffer *out)
{
	bool is_known = false, is_whole = true;

	buffer_add(out, SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
	print_head(name, out);
	buffer_printf(out, "<parley document=\"%.*s\" schema=\"" CONFIG_SCHEMA "\"",
	              (int)(name.len - strlen(".xml")), name.ptr);
	if (version)
		buffer_printf(out, " version=\"%llu\"", (unsigned long long)version);
	buffer_add(out, SLICE(">\n"));
	for (size_t k = 0; k < MODEL_KIND_COUNT; k++)
		if (config_kind_is_in(model_kind((enum model_kind_id)k), name)) {
			is_known = true;
			is_whole = is_whole && print_kind(snapshot, model_kind((enum model_kind_id)k), out);
		}
	buffer_add(out, SLICE("</parley>\n"));
	if (!is_known)
		return RESULT_NOT_FOUND;
	return !is_whole ? RESULT_NO_MEMORY : out->is_broken ? RESULT_LIMIT : RESULT_OK;
}

enum result config_print_all(const struct model_snapshot *snapshot, uint64_t version,
                             struct config_printed *out, struct reason *reason)
{
	out->count = 0;
	for (const char *name; (name = config_document_name(out->count)) != NULL;) {
		struct buffer *text = &out->texts[out->count];
		enum result result;

		buffer_start(text, config_document_bytes_max(slice_of(name)));
		out->documents[out->count] = (struct config_document){ .name = slice_of(name),
			                                               .version = version };
		out->count++;
		result = config_print(snapshot, slice_of(name), version, text);
		out->documents[out->count - 1].bytes = buffer_slice(text);
		if (result != RESULT_OK) {
			size_t max = text->max;

			config_printed_stop(out);
			return fail(reason, result, "%s: does not fit into %zu bytes, or there is no memory",
			            name, max);
		}
	}
	return RESULT_OK;
}

void config_printed_stop(struct config_printed *printed)
{
	for (size_t i = 0; i < printed->count; i++)
		buffer_stop(&printed->texts[i]);
	printed->count = 0;
}
