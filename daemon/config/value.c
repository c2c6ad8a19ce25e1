/* A value as a document gives it: international domain names become the A-labels that the model keeps. */
#include "daemon/config/config.h"
#include "daemon/names/names.h"
#include "shared/base/text.h"

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

static bool is_between(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ','; }

/* Only what is not ASCII is prepared, so that what the model has once taken reads back as it was written. */
static enum result prepare_item(struct slice item, struct buffer *out, struct reason *why)
{
	char name[NAMES_DOMAIN_BYTES], shown[80];
	struct reason fault = { "" };
	enum result result;

	if (is_ascii(item)) {
		buffer_add(out, item);
		return RESULT_OK;
	}
	result = names_domain_prepare(item, name, &fault);
	if (result == RESULT_OK)
		buffer_add(out, slice_of(name));
	else
		fail(why, result, "'%s' is no domain name: %s", text_shown(item, shown, sizeof shown),
		     fault.text);
	return result;
}

static enum result prepare(struct slice text, struct buffer *out, struct reason *why)
{
	while (text.len) {
		size_t gap = 0, item = 0;
		enum result result;

		while (gap < text.len && is_between(text.ptr[gap]))
			gap++;
		buffer_add(out, slice_first(text, gap));
		text = slice_after(text, gap);
		while (item < text.len && !is_between(text.ptr[item]))
			item++;
		result = prepare_item(slice_first(text, item), out, why);
		if (result != RESULT_OK)
			return result;
		text = slice_after(text, item);
	}
	return out->is_broken ? fail(why, RESULT_NO_MEMORY, "out of memory") : RESULT_OK;
}

/* The part after the last @ is a domain; what stands before it is kept as it is. */
static enum result prepare_user(struct slice text, struct buffer *out, struct reason *why)
{
	size_t at = text.len;

	while (at > 0 && text.ptr[at - 1] != '@')
		at--;
	buffer_add(out, slice_first(text, at));
	return at ? prepare(slice_after(text, at), out, why) : (buffer_add(out, text), RESULT_OK);
}

enum result config_value_read(const struct model_field *field, struct slice text, struct arena *arena,
                              struct model_value *out, struct reason *why)
{
	bool is_name = field->type == MODEL_DOMAIN || field->type == MODEL_FQDN ||
	               field->type == MODEL_DOMAINS || field->type == MODEL_FQDNS ||
	               field->type == MODEL_SIP_USER;
	struct buffer prepared;
	enum result result;

	if (!is_name || is_ascii(text))
		return model_value_read_why(field, text, arena, out, why);
	/* A one-byte item grows at most to a whole name. */
	buffer_start(&prepared, (text.len + 1) * NAMES_DOMAIN_BYTES);
	result = field->type == MODEL_SIP_USER ? prepare_user(text, &prepared, why)
	                                       : prepare(text, &prepared, why);
	if (result == RESULT_OK)
		result = model_value_read_why(field, buffer_slice(&prepared), arena, out, why);
	buffer_stop(&prepared);
	return result;
}
