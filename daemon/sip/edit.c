/*
 * edit: what is to change on the way through, beside the untouched original.
 */
#include "daemon/sip/grammar.h"

static void add(struct sip_edits *edits, struct sip_edit edit)
{
	/* What a message may hold has been parsed; a value of ours made from it must not open a new line. */
	if (edits->count == SIP_EDITS_MAX || edit.id == SIP_CONTENT_LENGTH || /* that one is the writer's */
	    (edit.value.len > 0 && sip_next_control(edit.value.ptr, edit.value.ptr + edit.value.len) !=
	                                   edit.value.ptr + edit.value.len)) {
		edits->is_broken = true;
		return;
	}
	edit.value = slice_trim(edit.value);
	edits->list[edits->count++] = edit;
}

void sip_edit_add(struct sip_edits *edits, enum sip_edit_kind kind, enum sip_header_id id, struct slice value)
{
	/* Only the target has no header; all else would mean every unknown header at once. */
	if (id == SIP_HEADER_OTHER && kind != SIP_EDIT_TARGET)
		edits->is_broken = true;
	else
		add(edits, (struct sip_edit){ kind, id, SLICE_NONE, value });
}

void sip_edit_name(struct sip_edits *edits, enum sip_edit_kind kind, struct slice name, struct slice value)
{
	if (name.len == 0 || sip_span(name, SIP_CHAR_TOKEN) != name.len) {
		edits->is_broken = true;
		return;
	}
	/* '*' is a token character, so a prefix is one too; a rule of the table is no name to write. */
	bool is_prefix = name.ptr[name.len - 1] == '*';

	if (is_prefix && kind != SIP_EDIT_REMOVE_NAME) {
		edits->is_broken = true;
		return;
	}

	enum sip_header_id id = is_prefix ? SIP_HEADER_OTHER : sip_header_id(name);
	const char *row = sip_header_row(id)->name;

	if (id != SIP_HEADER_OTHER && row[strlen(row) - 1] == '*')
		id = SIP_HEADER_OTHER;
	add(edits, (struct sip_edit){ kind, id, name, value });
}
