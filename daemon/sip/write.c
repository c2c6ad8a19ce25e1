/*
 * write: a message and its edits to bytes.
 *
 * Serialised from the header list, never copied as it came: canonical names,
 * one blank behind the colon, no folds, our Content-Length.  Values go through
 * untouched (peers sign Record-Route, Route and Via), but each passes sip_emit,
 * which lets no control byte out.
 */
#include "daemon/sip/grammar.h"

static bool has_control(struct slice text)
{
	return text.len > 0 && sip_next_control(text.ptr, text.ptr + text.len) != text.ptr + text.len;
}

bool sip_emit(struct buffer *out, struct slice text)
{
	if (has_control(text)) {
		out->is_broken = true;
		return false;
	}
	return buffer_add(out, text);
}

/* Every header of every message passes here: one look, one reservation. */
bool sip_emit_header(struct buffer *out, struct slice name, struct slice value)
{
	char *at = has_control(value) ? NULL : buffer_reserve(out, name.len + value.len + 4);

	if (!at) {
		out->is_broken = true;
		return false;
	}
	at = mempcpy(at, name.ptr, name.len);
	at = mempcpy(at, ": ", 2);
	if (value.len)
		at = mempcpy(at, value.ptr, value.len);
	memcpy(at, "\r\n", 2);
	buffer_grew(out, name.len + value.len + 4);
	return true;
}

void sip_emit_undo(struct buffer *out, size_t length, bool was_broken)
{
	out->end = out->start + length;
	out->is_broken = was_broken;
}

struct slice sip_header_name(const struct sip_header *header)
{
	struct slice name = slice_of(sip_header_row(header->id)->name);

	/* A rule for a prefix has no spelling of its own. */
	return name.len == 0 || name.ptr[name.len - 1] == '*' ? header->name : name;
}

struct writer {
	const struct sip_message *m;
	const struct sip_edits *edits;
	struct buffer *out;
	bool is_done[SIP_EDITS_MAX];
	bool is_touched[SIP_HEADER_ID_COUNT]; /* some edit names this kind */
	bool has_names;                       /* some edit goes by name */
};

static struct slice edit_name(const struct sip_edit *edit)
{
	struct sip_header header = { .id = edit->id, .name = edit->name };

	return sip_header_name(&header);
}

static bool is_meant(const struct sip_edit *edit, const struct sip_header *header)
{
	if (edit->kind == SIP_EDIT_REMOVE_NAME) {
		struct slice name = sip_header_name(header), wanted = edit_name(edit);

		if (wanted.ptr[wanted.len - 1] == '*')
			return slice_starts_nocase(name, slice_first(wanted, wanted.len - 1));
		return slice_equal_nocase(name, wanted);
	}
	if (edit->id != SIP_HEADER_OTHER)
		return header->id == edit->id;
	return edit->kind != SIP_EDIT_TARGET && slice_equal_nocase(header->name, edit->name);
}

static bool is_present(const struct writer *w, const struct sip_edit *edit)
{
	for (size_t i = 0; i < w->m->header_count; i++)
		if (is_meant(edit, &w->m->headers[i]))
			return true;
	return false;
}

static void emit_edit(struct writer *w, size_t index)
{
	const struct sip_edit *edit = &w->edits->list[index];

	w->is_done[index] = true;
	sip_emit_header(w->out, edit_name(edit), edit->value);
}

/* Those for `header`, or with NULL those whose kind the message does not have. The last added comes first. */
static void emit_prepends(struct writer *w, const struct sip_header *header)
{
	for (size_t i = w->edits->count; i-- > 0;) {
		const struct sip_edit *edit = &w->edits->list[i];

		if (edit->kind == SIP_EDIT_PREPEND && !w->is_done[i] &&
		    (header ? is_meant(edit, header) : !is_present(w, edit)))
			emit_edit(w, i);
	}
}

/* Takes first values off `rest`, and replaces one, as far as edits still ask for it. False: nothing is left. */
static bool edit_first_value(struct writer *w, const struct sip_header *header, struct slice *rest,
                             struct slice *first)
{
	struct slice taken;

	*first = SLICE_NONE;
	if (header->value.len == 0)
		return true;
	for (size_t i = 0; i < w->edits->count; i++) {
		if (w->edits->list[i].kind != SIP_EDIT_REMOVE_FIRST_VALUE || w->is_done[i] ||
		    !is_meant(&w->edits->list[i], header))
			continue;
		if (!sip_value_take(rest, &taken))
			return false;
		w->is_done[i] = true;
	}
	if (rest->ptr == NULL)
		return false;
	for (size_t i = 0; i < w->edits->count; i++) {
		if (w->edits->list[i].kind != SIP_EDIT_REPLACE_FIRST_VALUE || w->is_done[i] ||
		    !is_meant(&w->edits->list[i], header))
			continue;
		sip_value_take(rest, &taken);
		*first = w->edits->list[i].value;
		w->is_done[i] = true;
		break;
	}
	return true;
}

static void write_touched(struct writer *w, const struct sip_header *header)
{
	struct slice rest = header->value, first;
	bool is_removed = (sip_header_row(header->id)->flags & w->edits->strip) != 0;

	emit_prepends(w, header);
	for (size_t i = 0; i < w->edits->count; i++) {
		enum sip_edit_kind kind = w->edits->list[i].kind;

		if (!is_meant(&w->edits->list[i], header))
			continue;
		if (kind == SIP_EDIT_REPLACE && !w->is_done[i])
			emit_edit(w, i);
		is_removed |= kind == SIP_EDIT_REPLACE || kind == SIP_EDIT_REMOVE_ALL ||
		              kind == SIP_EDIT_REMOVE_NAME;
	}
	if (is_removed || !edit_first_value(w, header, &rest, &first))
		return;
	buffer_add(w->out, sip_header_name(header));
	buffer_add(w->out, SLICE(": "));
	sip_emit(w->out, first);
	if (first.ptr && rest.ptr)
		buffer_add(w->out, SLICE(", "));
	sip_emit(w->out, slice_trim(rest));
	buffer_add(w->out, SLICE("\r\n"));
}

static void write_headers(struct writer *w)
{
	if (w->edits)
		emit_prepends(w, NULL);
	for (size_t i = 0; i < w->m->header_count; i++) {
		const struct sip_header *header = &w->m->headers[i];

		if (header->id == SIP_CONTENT_LENGTH)
			continue;
		if (w->edits && (w->is_touched[header->id] || w->has_names))
			write_touched(w, header);
		else if (!w->edits || !(sip_header_row(header->id)->flags & w->edits->strip))
			sip_emit_header(w->out, sip_header_name(header), header->value);
	}
	for (size_t i = 0; w->edits && i < w->edits->count; i++) {
		enum sip_edit_kind kind = w->edits->list[i].kind;

		if (kind == SIP_EDIT_APPEND || (kind == SIP_EDIT_REPLACE && !w->is_done[i]))
			emit_edit(w, i);
	}
}

/* Without a blank inside: one more would shift the version of the Request-Line. */
static bool emit_word(struct buffer *out, struct slice word)
{
	return word.len > 0 && slice_find(word, ' ') == word.len && slice_find(word, '\t') == word.len &&
	       sip_emit(out, word);
}

static bool write_start_line(const struct writer *w)
{
	const struct sip_message *m = w->m;
	struct slice target = m->target;

	if (!m->is_request)
		return m->status >= 100 && m->status <= 699 && buffer_add(w->out, SLICE("SIP/2.0 ")) &&
		       buffer_add_number(w->out, (uint64_t)m->status) && buffer_add_char(w->out, ' ') &&
		       sip_emit(w->out, m->phrase) && buffer_add(w->out, SLICE("\r\n"));
	for (size_t i = 0; w->edits && i < w->edits->count; i++)
		if (w->edits->list[i].kind == SIP_EDIT_TARGET)
			target = w->edits->list[i].value;
	return emit_word(w->out, m->method_name) && buffer_add_char(w->out, ' ') &&
	       emit_word(w->out, target) && buffer_add(w->out, SLICE(" SIP/2.0\r\n"));
}

/* Every first value that was to be taken or replaced must have been there. */
static bool is_carried_out(const struct writer *w)
{
	for (size_t i = 0; w->edits && i < w->edits->count; i++) {
		enum sip_edit_kind kind = w->edits->list[i].kind;

		if (!w->is_done[i] &&
		    (kind == SIP_EDIT_REMOVE_FIRST_VALUE || kind == SIP_EDIT_REPLACE_FIRST_VALUE))
			return false;
	}
	return true;
}

bool sip_message_write(const struct sip_message *m, const struct sip_edits *edits, struct buffer *out)
{
	size_t length = buffer_length(out);
	bool was_broken = out->is_broken;
	struct writer w = { .m = m, .edits = edits, .out = out };

	if (was_broken || (edits && edits->is_broken))
		return false;
	for (size_t i = 0; edits && i < edits->count; i++) {
		w.is_touched[edits->list[i].id] = true;
		w.has_names |= edits->list[i].kind == SIP_EDIT_REMOVE_NAME;
	}
	if (write_start_line(&w)) {
		write_headers(&w);
		buffer_add(out, SLICE("Content-Length: "));
		buffer_add_number(out, m->body.len);
		buffer_add(out, SLICE("\r\n\r\n"));
		buffer_add(out, m->body);
		if (!out->is_broken && is_carried_out(&w))
			return true;
	}
	sip_emit_undo(out, length, was_broken);
	return false;
}
