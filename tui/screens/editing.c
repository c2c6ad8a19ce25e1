#include "tui/screens/editing.h"

#include <stdio.h>

#include "tui/client/said.h"
#include "tui/client/words.h"
#include "tui/screens/command.h"

enum { SCRATCH_BYTES = 64 * 1024 };

/* ---- verbs ---- */

static bool saves(const struct control_verb *row, const struct model_kind *kind)
{
	struct control_argument argument;

	for (size_t i = 0; control_verb_argument(row, i, &argument); i++)
		if (argument.is_fields && slice_equal(slice_of(argument.name), slice_of(kind->name)))
			return true;
	return false;
}

enum control_verb_id editing_save_verb(const struct model_kind *kind, bool is_new)
{
	enum control_verb_id found = CONTROL_VERB_COUNT;

	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *row = control_verb((enum control_verb_id)i);
		bool is_set = slice_equal(slice_of(row->verb), SLICE("set"));

		if (saves(row, kind) && (found == CONTROL_VERB_COUNT || is_set != is_new))
			found = (enum control_verb_id)i;
	}
	return found;
}

enum control_verb_id editing_verb(const struct model_kind *kind, const char *verb)
{
	const struct control_verb *save = control_verb(editing_save_verb(kind, false));
	char method[64];

	if (!save)
		return CONTROL_VERB_COUNT;
	snprintf(method, sizeof method, "%s.%s", save->noun, verb);
	return control_verb_named(slice_of(method));
}

/* ---- labels ---- */

void editing_label(const char *name, char to[FORM_LABEL_BYTES])
{
	static const char *const acronyms[] = { "FQDN", "XMPP", "TLS", "SIP", "DNS",  "SASL",
		                                "IP",   "SRV",  "IM",  "CRL", "CRLs", "TCP" };
	struct slice rest = slice_of(name), word;
	const char *known = words_of("field", rest);
	size_t used = 0;

	known = known ? known : words_of("kind", rest);
	if (known) {
		snprintf(to, FORM_LABEL_BYTES, "%s", known);
		return;
	}
	while (slice_next(&rest, '-', &word) && used + word.len + 2 < FORM_LABEL_BYTES) {
		const char *shown = NULL;

		for (size_t i = 0; i < sizeof acronyms / sizeof *acronyms; i++)
			if (slice_equal_nocase(word, slice_of(acronyms[i])))
				shown = acronyms[i];
		if (used)
			to[used++] = ' ';
		memcpy(to + used, shown ? shown : word.ptr, word.len);
		if (!used && to[0] >= 'a' && to[0] <= 'z')
			to[0] = (char)(to[0] - 'a' + 'A');
		used += word.len;
	}
	to[used] = '\0';
}

/* ---- fields from rows ---- */

static enum form_type type_of(const struct model_field *row)
{
	return row->type == MODEL_BOOL ? FORM_SWITCH : row->type == MODEL_ENUM ? FORM_CHOICE : FORM_TEXT;
}

static void say_allowed(const struct model_field *row, char to[FORM_WORDS_BYTES])
{
	struct buffer words;
	char translated[SAID_BYTES];

	buffer_start(&words, FORM_WORDS_BYTES - 1);
	model_allowed(row, &words);
	slice_to_text(said(buffer_slice(&words), translated), to, FORM_WORDS_BYTES);
	buffer_stop(&words);
}

void editing_start(struct editing *editing, const struct model_kind *kind, struct slice key, bool is_new)
{
	editing->kind = kind;
	editing->is_new = is_new;
	editing->version = editing->asked_id = 0;
	editing->trouble[0] = editing->key[0] = '\0';
	slice_to_text(key, editing->key, sizeof editing->key);
	editing->save = editing_save_verb(kind, is_new);
	editing->show = editing_verb(kind, "show");
	form_clear(&editing->form);
	memset(editing->is_too_long, 0, sizeof editing->is_too_long);
	memset(editing->theirs, 0, sizeof editing->theirs);
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct model_field *row = &kind->fields[i];
		char label[FORM_LABEL_BYTES];
		struct form_field *field;

		editing_label(row->name, label);
		field = form_add(&editing->form, type_of(row), label);
		if (!field)
			break;
		editing->rows[editing->form.count - 1] = i;
		field->is_list = model_type_is_list(row->type);
		field->unit = words_of("unit", slice_of(row->unit)) ? words_of("unit", slice_of(row->unit))
		                                                    : row->unit;
		field->choices = row->choices ? row->choices : "";
		field->word = said_word;
		say_allowed(row, field->allowed);
		form_load(field, i == kind->key ? key : slice_of(row->preset));
		if (is_new && i == kind->key)
			field->saved[0] = '\0';
	}
	editing_lock(editing, NULL);
	/* What can be changed first; the name of an old object cannot. */
	while (editing->form.at + 1 < editing->form.count && editing->form.fields[editing->form.at].fixed)
		editing->form.at++;
	editing_check(editing);
}

void editing_stop(struct editing *editing)
{
	editing->kind = NULL;
	editing->is_new = false;
	editing->version = editing->asked_id = 0;
	form_clear(&editing->form);
}

void editing_lock(struct editing *editing, const char *why)
{
	editing->why_locked = why;
	editing->form.is_locked = why != NULL;
	for (size_t i = 0; i < editing->form.count; i++) {
		unsigned flags = editing->kind->fields[editing->rows[i]].flags;

		editing->form.fields[i].fixed = flags & (MODEL_KEY | MODEL_FIXED) && !editing->is_new
		                                        ? _("fixed after creation")
		                                : editing->is_too_long[i] ? _("too long to be edited here")
		                                                          : why;
	}
}

static void add_value(struct buffer *out, const struct json *value)
{
	if (json_kind(value) == JSON_KIND_BOOL)
		buffer_add(out, json_as_bool(value, false) ? SLICE("true") : SLICE("false"));
	else if (json_kind(value) == JSON_KIND_NUMBER)
		buffer_printf(out, "%lld", (long long)json_as_number(value, 0));
	else if (json_kind(value) == JSON_KIND_TEXT)
		buffer_add(out, json_as_slice(value));
	for (size_t i = 0; json_kind(value) == JSON_KIND_ARRAY && i < json_count(value); i++) {
		if (i)
			buffer_add_char(out, ' ');
		add_value(out, json_at(value, i));
	}
}

void editing_value(const struct json *value, char to[EDITING_VALUE_BYTES])
{
	struct buffer text;

	buffer_start(&text, SCRATCH_BYTES);
	add_value(&text, value);
	if (!slice_to_text(buffer_slice(&text), to, EDITING_VALUE_BYTES))
		snprintf(to, EDITING_VALUE_BYTES, "%.*s...", EDITING_VALUE_BYTES - 4,
		         buffer_length(&text) ? buffer_slice(&text).ptr : "");
	buffer_stop(&text);
}

/* The daemon's value of one field: what was typed stays, and is said to differ where both changed it. */
static void fill_field(struct editing *editing, size_t i, struct slice text)
{
	struct form_field *field = &editing->form.fields[i];
	bool is_mine = editing->version && form_is_changed(field);
	bool is_theirs = editing->version && !slice_equal(text, slice_of(field->saved));

	editing->is_too_long[i] = text.len >= EDITOR_BYTES;
	if (!is_mine) {
		editing->theirs[i][0] = '\0';
		form_load(field, text);
		return;
	}
	if (!slice_to_text(text, field->saved, sizeof field->saved))
		form_load(field, text); /* nothing that is cut may be saved */
	if (is_theirs)
		snprintf(editing->theirs[i], sizeof editing->theirs[i],
		         _("Meanwhile published by somebody else: %.*s. Yours would replace it; Ctrl-R takes "
		           "theirs."),
		         text.len ? (int)(text.len < 60 ? text.len : 60) : 7,
		         text.len ? text.ptr : _("(empty)"));
	if (!form_is_changed(field))
		editing->theirs[i][0] = '\0';
}

/* A verb shows its object as `fields`, as the result itself, or among several `objects` (topology.show). */
static const struct json *fields_of(const struct editing *editing, const struct json *result)
{
	const struct json *objects = json_get(result, "objects"), *object;

	for (size_t i = 0; i < json_count(objects); i++) {
		object = json_at(objects, i);
		if (slice_equal(json_as_slice(json_get(object, "kind")), slice_of(editing->kind->name)) &&
		    slice_equal(json_as_slice(json_get(object, "key")), slice_of(editing->key)))
			return json_get(object, "fields");
	}
	return json_get(result, "fields") ? json_get(result, "fields") : result;
}

void editing_fill(struct editing *editing, const struct json *result)
{
	const struct json *fields = fields_of(editing, result);
	struct buffer text;

	buffer_start(&text, SCRATCH_BYTES);
	for (size_t i = 0; i < editing->form.count; i++) {
		const struct json *value = json_get(fields, editing->kind->fields[editing->rows[i]].name);

		if (editing->rows[i] == editing->kind->key || json_kind(value) == JSON_KIND_NULL)
			continue;
		buffer_clear(&text);
		add_value(&text, value);
		fill_field(editing, i, buffer_slice(&text));
	}
	buffer_stop(&text);
	editing->version = json_as_number(json_get(result, "version"), 0);
	editing->trouble[0] = '\0';
	editing_lock(editing, editing->why_locked);
	editing_check(editing);
}

size_t editing_field(const struct editing *editing, const char *name)
{
	size_t i = 0;

	while (i < editing->form.count &&
	       !slice_equal(slice_of(editing->kind->fields[editing->rows[i]].name), slice_of(name)))
		i++;
	return i;
}

/* ---- what is right ---- */

/* A name in its own script is prepared by the daemon: only it knows the tables. */
static bool is_prepared_by_daemon(const struct model_field *row, struct slice text)
{
	bool is_ascii = true;

	for (size_t i = 0; i < text.len; i++)
		is_ascii &= (unsigned char)text.ptr[i] < 0x80;
	return !is_ascii && (row->type == MODEL_DOMAIN || row->type == MODEL_FQDN ||
	                     row->type == MODEL_DOMAINS || row->type == MODEL_FQDNS);
}

static void check_field(struct editing *editing, size_t i, struct arena *arena)
{
	struct form_field *field = &editing->form.fields[i];
	const struct model_field *row = &editing->kind->fields[editing->rows[i]];
	struct slice text = editor_text(&field->value);
	struct model_value value;
	struct reason why = { "" };
	char words[SAID_BYTES];

	field->problem[0] = '\0';
	if (field->fixed || is_prepared_by_daemon(row, text))
		return;
	if (slice_trim(text).len == 0 && row->flags & (MODEL_REQUIRED | MODEL_KEY)) {
		/* Nothing is wrong with a new object whose fields are still to be typed; it just cannot be saved yet. */
		if (form_is_changed(field) || !editing->is_new ||
		    (field->is_reached && editing->form.at != i))
			snprintf(field->problem, sizeof field->problem, _("%s is needed"), row->name);
		return;
	}
	if (model_value_read_why(row, text, arena, &value, &why) != RESULT_OK)
		snprintf(field->problem, sizeof field->problem, _("%s: %.150s; allowed: %.60s"), row->name,
		         said(slice_of(why.text), words).ptr, field->allowed);
}

static void check_idle(struct editing *editing, size_t i)
{
	const struct model_need *need = model_field_need(editing->kind, editing->rows[i]);
	struct form_field *field = &editing->form.fields[i];
	size_t other;

	field->idle[0] = '\0';
	if (!need)
		return;
	other = editing_field(editing, editing->kind->fields[need->other].name);
	if (other == editing->form.count)
		return;
	if (!model_need_holds(need, editor_text(&editing->form.fields[other].value)))
		snprintf(field->idle, sizeof field->idle, _("No effect now: %s"), _(need->otherwise));
}

void editing_check(struct editing *editing)
{
	struct arena arena;

	arena_start(&arena, SCRATCH_BYTES);
	if (editing->form.at < editing->form.count)
		editing->form.fields[editing->form.at].is_reached = true;
	for (size_t i = 0; i < editing->form.count; i++) {
		check_field(editing, i, &arena);
		check_idle(editing, i);
		if (!form_is_changed(&editing->form.fields[i]))
			editing->theirs[i][0] = '\0';
	}
	arena_stop(&arena);
}

bool editing_refused(struct editing *editing, const struct json *problems)
{
	bool is_placed = false;

	for (size_t p = 0; p < json_count(problems); p++) {
		const struct json *problem = json_at(problems, p);
		struct slice path = json_as_slice(json_get(problem, "path")),
		             why = json_as_slice(json_get(problem, "why")),
		             allowed = json_as_slice(json_get(problem, "allowed"));

		while (path.len && slice_find(path, '/') < path.len)
			path = slice_after(path, slice_find(path, '/') + 1);
		for (size_t i = 0; i < editing->form.count; i++) {
			const char *name = editing->kind->fields[editing->rows[i]].name;

			if (!slice_equal(path, slice_of(name)))
				continue;
			snprintf(editing->form.fields[i].problem, FORM_PROBLEM_BYTES, "%s: %.*s%s%.*s", name,
			         SLICE_ARG(why), allowed.len ? _("; allowed: ") : "", SLICE_ARG(allowed));
			editing->form.at = is_placed ? editing->form.at : i;
			is_placed = true;
		}
	}
	return is_placed;
}

/* ---- the command ---- */

void editing_command(const struct editing *editing, struct buffer *out)
{
	const struct control_verb *verb = control_verb(
	        form_changes(&editing->form) || editing->is_new ? editing->save : editing->show);
	struct buffer pair;

	if (!verb)
		return;
	buffer_printf(out, "%s%s%s", verb->noun, verb->noun[0] ? " " : "", verb->verb);
	buffer_start(&pair, 2 * EDITOR_BYTES);
	if (editing->kind->key < editing->kind->field_count) {
		const char *name = editing->kind->fields[editing->kind->key].name;
		struct slice key = slice_trim(
		        editor_text(&editing->form.fields[editing_field(editing, name)].value));

		if (!key.len) /* its place, until it is typed */
			buffer_add_char(out, ' ');
		for (const char *c = key.len ? "" : name; *c; c++)
			buffer_add_char(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
		if (key.len)
			command_add(out, key);
	}
	for (size_t i = 0; i < editing->form.count; i++) {
		const struct form_field *field = &editing->form.fields[i];

		if (editing->rows[i] == editing->kind->key || !form_is_changed(field))
			continue;
		buffer_clear(&pair);
		buffer_printf(&pair, "%s=", editing->kind->fields[editing->rows[i]].name);
		buffer_add(&pair, slice_trim(editor_text(&field->value)));
		command_add(out, buffer_slice(&pair));
	}
	buffer_stop(&pair);
}
