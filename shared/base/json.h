/*
 * json: a writer into a buffer, and a reader over jansson.  Jansson is seen here only.
 *
 * The writer allocates nothing of its own and never writes invalid UTF-8:
 * bytes from the network that are not UTF-8 become U+FFFD.
 * The reader refuses duplicate keys, depth over 32 and NUL in strings.
 */
#ifndef SHARED_BASE_JSON_H
#define SHARED_BASE_JSON_H

#include "shared/base/buffer.h"
#include "shared/base/result.h"

/* ---- writing: errors collect in `out->is_broken` ---- */
struct json_writer {
	struct buffer *out;
	bool needs_comma;
};

static inline struct json_writer json_write(struct buffer *out) { return (struct json_writer){ out, false }; }
/* `key` is NULL inside an array and at the top. */
void json_open_object(struct json_writer *w, const char *key);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *key);
void json_close_array(struct json_writer *w);
void json_put_slice(struct json_writer *w, const char *key, struct slice value);
void json_put_text(struct json_writer *w, const char *key, const char *value); /* NULL writes null */
void json_put_number(struct json_writer *w, const char *key, int64_t value);
void json_put_real(struct json_writer *w, const char *key, double value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
/* `value` is already JSON, written by us. */
void json_put_raw(struct json_writer *w, const char *key, struct slice value);

/* ---- reading ---- */
struct json; /* one value; parts are owned by the whole */

enum json_kind { JSON_KIND_NULL, JSON_KIND_BOOL, JSON_KIND_NUMBER, JSON_KIND_TEXT, JSON_KIND_ARRAY, JSON_KIND_OBJECT };

/* Reads exactly one value.  `*out` is the caller's, freed with json_free. INVALID with line and column, NO_MEMORY. */
enum result json_read(struct slice text, struct json **out, struct reason *reason);
void json_free(struct json **value);
enum json_kind json_kind(const struct json *value); /* NULL is JSON_KIND_NULL */
/* A member, or NULL when `object` is no object or has none. */
const struct json *json_get(const struct json *object, const char *key);
size_t json_count(const struct json *array_or_object);
const struct json *json_at(const struct json *array, size_t index);
/* Members in the order of the text: 0, 1, ...; false at the end. */
bool json_member(const struct json *object, size_t index, struct slice *key, const struct json **value);
/* The default is given back when the value is missing or of another kind. */
struct slice json_as_slice(const struct json *value); /* SLICE_NONE; NUL-terminated beyond its length */
int64_t json_as_number(const struct json *value, int64_t otherwise);
bool json_as_bool(const struct json *value, bool otherwise);
double json_as_real(const struct json *value, double otherwise);
/* Writes the value, compact, on one line. */
void json_write_value(struct json_writer *w, const char *key, const struct json *value);

#endif
