#include "shared/base/json.h"

#include <jansson.h>
#include <math.h>

#include "shared/base/text.h"

enum { JSON_DEPTH_MAX = 32 };

static void before(struct json_writer *w, const char *key)
{
	if (w->needs_comma)
		buffer_add_char(w->out, ',');
	w->needs_comma = true;
	if (key) {
		w->needs_comma = false;
		json_put_slice(w, NULL, slice_of(key));
		buffer_add_char(w->out, ':');
		w->needs_comma = true;
	}
}

static void open_with(struct json_writer *w, const char *key, char bracket)
{
	before(w, key);
	buffer_add_char(w->out, bracket);
	w->needs_comma = false;
}

static void close_with(struct json_writer *w, char bracket)
{
	buffer_add_char(w->out, bracket);
	w->needs_comma = true;
}

void json_open_object(struct json_writer *w, const char *key) { open_with(w, key, '{'); }
void json_close_object(struct json_writer *w) { close_with(w, '}'); }
void json_open_array(struct json_writer *w, const char *key) { open_with(w, key, '['); }
void json_close_array(struct json_writer *w) { close_with(w, ']'); }

static void add_escaped(struct buffer *out, struct slice value)
{
	while (value.len) {
		unsigned char c = (unsigned char)value.ptr[0];
		size_t take = 1;

		if (c == '"' || c == '\\') {
			buffer_add_char(out, '\\');
			buffer_add_char(out, (char)c);
		} else if (c == '\n') {
			buffer_add(out, SLICE("\\n"));
		} else if (c < 0x20 || c == 0x7f) {
			buffer_printf(out, "\\u%04x", c);
		} else if (c < 0x80) {
			while (take < value.len && (unsigned char)value.ptr[take] >= 0x20 &&
			       (unsigned char)value.ptr[take] < 0x7f && value.ptr[take] != '"' &&
			       value.ptr[take] != '\\')
				take++;
			buffer_add(out, slice_first(value, take));
		} else {
			take = text_utf8_length(value);
			if (take == 0) {
				buffer_add(out, SLICE("\xef\xbf\xbd"));
				take = 1;
			} else {
				buffer_add(out, slice_first(value, take));
			}
		}
		value = slice_after(value, take);
	}
}

void json_put_slice(struct json_writer *w, const char *key, struct slice value)
{
	before(w, key);
	buffer_add_char(w->out, '"');
	add_escaped(w->out, value);
	buffer_add_char(w->out, '"');
}

void json_put_text(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_put_slice(w, key, slice_of(value));
	else
		json_put_null(w, key);
}

void json_put_number(struct json_writer *w, const char *key, int64_t value)
{
	before(w, key);
	buffer_printf(w->out, "%lld", (long long)value);
}

void json_put_real(struct json_writer *w, const char *key, double value)
{
	before(w, key);
	if (isfinite(value))
		buffer_printf(w->out, "%.6g", value);
	else
		buffer_add(w->out, SLICE("null"));
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	before(w, key);
	buffer_add(w->out, value ? SLICE("true") : SLICE("false"));
}

void json_put_null(struct json_writer *w, const char *key)
{
	before(w, key);
	buffer_add(w->out, SLICE("null"));
}

void json_put_raw(struct json_writer *w, const char *key, struct slice value)
{
	before(w, key);
	buffer_add(w->out, value);
}

/* ---- reading: struct json is jansson's json_t under our name ---- */

static json_t *raw(const struct json *value)
{
	union {
		const struct json *ours;
		json_t *theirs;
	} same = { .ours = value };

	return same.theirs;
}

static const struct json *ours(json_t *value) { return (const struct json *)(const void *)value; }

static bool is_too_deep(struct slice text)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX) {
			return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

enum result json_read(struct slice text, struct json **out, struct reason *reason)
{
	json_error_t error;
	json_t *value;

	*out = NULL;
	if (is_too_deep(text))
		return fail(reason, RESULT_INVALID, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
	value = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
	                   &error);
	if (!value)
		return fail(reason,
		            json_error_code(&error) == json_error_out_of_memory ? RESULT_NO_MEMORY
		                                                                : RESULT_INVALID,
		            "JSON: %s at line %d column %d", error.text, error.line, error.column);
	*out = (struct json *)(void *)value;
	return RESULT_OK;
}

void json_free(struct json **value)
{
	json_decref(raw(*value));
	*value = NULL;
}

enum json_kind json_kind(const struct json *value)
{
	if (!value)
		return JSON_KIND_NULL;
	switch (json_typeof(raw(value))) {
	case JSON_OBJECT: return JSON_KIND_OBJECT;
	case JSON_ARRAY: return JSON_KIND_ARRAY;
	case JSON_STRING: return JSON_KIND_TEXT;
	case JSON_INTEGER:
	case JSON_REAL: return JSON_KIND_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE: return JSON_KIND_BOOL;
	case JSON_NULL: return JSON_KIND_NULL;
	}
	return JSON_KIND_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return object ? ours(json_object_get(raw(object), key)) : NULL;
}

size_t json_count(const struct json *value)
{
	if (!value)
		return 0;
	return json_is_array(raw(value)) ? json_array_size(raw(value)) : json_object_size(raw(value));
}

const struct json *json_at(const struct json *array, size_t index)
{
	return array ? ours(json_array_get(raw(array), index)) : NULL;
}

bool json_member(const struct json *object, size_t index, struct slice *key, const struct json **value)
{
	void *at = object ? json_object_iter(raw(object)) : NULL;

	while (at && index-- > 0)
		at = json_object_iter_next(raw(object), at);
	if (!at)
		return false;
	*key = slice_of(json_object_iter_key(at));
	*value = ours(json_object_iter_value(at));
	return true;
}

struct slice json_as_slice(const struct json *value)
{
	if (json_kind(value) != JSON_KIND_TEXT)
		return SLICE_NONE;
	return (struct slice){ json_string_value(raw(value)), json_string_length(raw(value)) };
}

int64_t json_as_number(const struct json *value, int64_t otherwise)
{
	return value && json_is_integer(raw(value)) ? (int64_t)json_integer_value(raw(value)) : otherwise;
}

double json_as_real(const struct json *value, double otherwise)
{
	return value && json_is_number(raw(value)) ? json_number_value(raw(value)) : otherwise;
}

bool json_as_bool(const struct json *value, bool otherwise)
{
	return json_kind(value) == JSON_KIND_BOOL ? json_is_true(raw(value)) : otherwise;
}

static int add_dumped(const char *bytes, size_t count, void *out)
{
	return buffer_add(out, (struct slice){ bytes, count }) ? 0 : -1;
}

void json_write_value(struct json_writer *w, const char *key, const struct json *value)
{
	before(w, key);
	if (!value)
		buffer_add(w->out, SLICE("null"));
	else
		json_dump_callback(raw(value), add_dumped, w->out,
		                   JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}
