/*
 * manifest: what an archive says of itself.  Written in one canonical form; read
 * by looking for the values and then writing it again: what does not come out
 * byte for byte the same is refused, so there is no second way to say anything.
 */
#include <stdio.h>

#include "daemon/store/archive.h"
#include "shared/base/text.h"

enum { MANIFEST_BYTES_MAX = 256 * 1024 };

static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest format=\"1\"";

void manifest_write(const struct store_version *version, const struct manifest_entry *entries, size_t count,
                    struct buffer *out)
{
	buffer_printf(out,
	              "%s version=\"%llu\" parent=\"%llu\" publish-id=\"%s\" time=\"%lld\" changes=\"%u\"",
	              head, (unsigned long long)version->number, (unsigned long long)version->parent,
	              version->publish_id, (long long)version->time_ms, (unsigned)version->changes);
	buffer_add(out, SLICE(" author=\""));
	text_escape_xml(out, slice_of(version->author));
	buffer_add(out, SLICE("\" comment=\""));
	text_escape_xml(out, slice_of(version->comment));
	buffer_add(out, SLICE("\">\n"));
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, "  <document name=\"%.*s\" size=\"%llu\" sha256=\"%s\"/>\n",
		              SLICE_ARG(entries[i].name), (unsigned long long)entries[i].size,
		              entries[i].digest);
	buffer_add(out, SLICE("</manifest>\n"));
}

/* The value of ` name="..."` at the front of *rest, which moves behind it. */
static bool take_attribute(struct slice *rest, const char *name, struct slice *value)
{
	struct slice s = *rest, label = slice_of(name);

	if (s.len < label.len + 3 || s.ptr[0] != ' ' || !slice_starts(slice_after(s, 1), label))
		return false;
	s = slice_after(s, 1 + label.len);
	if (!slice_starts(s, SLICE("=\"")))
		return false;
	s = slice_after(s, 2);

	size_t end = slice_find(s, '"');

	if (end == s.len)
		return false;
	*value = slice_first(s, end);
	*rest = slice_after(s, end + 1);
	return true;
}

static bool take_number(struct slice *rest, const char *name, uint64_t max, uint64_t *number)
{
	struct slice value;

	return take_attribute(rest, name, &value) && slice_to_number(value, max, number);
}

static bool take_text(struct slice *rest, const char *name, char *to, size_t size)
{
	struct slice value;

	return take_attribute(rest, name, &value) && slice_to_text(value, to, size);
}

static bool unescape(struct slice s, char *to, size_t size)
{
	static const struct {
		struct slice escaped;
		char plain;
	} table[] = { { SLICE("&amp;"), '&' },  { SLICE("&lt;"), '<' },    { SLICE("&gt;"), '>' },
		      { SLICE("&quot;"), '"' }, { SLICE("&apos;"), '\'' }, { SLICE("&#13;"), '\r' },
		      { SLICE("&#10;"), '\n' }, { SLICE("&#9;"), '\t' } };
	size_t at = 0;

	while (s.len) {
		size_t take = 1;
		char c = s.ptr[0];

		for (size_t i = 0; c == '&' && i < sizeof table / sizeof *table; i++) {
			if (!slice_starts(s, table[i].escaped))
				continue;
			c = table[i].plain;
			take = table[i].escaped.len;
			break;
		}
		if (at + 1 >= size)
			return false;
		to[at++] = c;
		s = slice_after(s, take);
	}
	to[at] = '\0';
	return true;
}

static bool take_head(struct slice *rest, struct store_version *version)
{
	struct slice author, comment;
	uint64_t time, changes;

	if (!slice_starts(*rest, SLICE(head)))
		return false;
	*rest = slice_after(*rest, sizeof head - 1);
	if (!take_number(rest, "version", UINT64_MAX, &version->number) ||
	    !take_number(rest, "parent", UINT64_MAX, &version->parent) ||
	    !take_text(rest, "publish-id", version->publish_id, sizeof version->publish_id) ||
	    !take_number(rest, "time", INT64_MAX, &time) ||
	    !take_number(rest, "changes", UINT32_MAX, &changes) || !take_attribute(rest, "author", &author) ||
	    !unescape(author, version->author, sizeof version->author) ||
	    !take_attribute(rest, "comment", &comment) ||
	    !unescape(comment, version->comment, sizeof version->comment) ||
	    !slice_starts(*rest, SLICE(">\n")))
		return false;
	version->time_ms = (int64_t)time;
	version->changes = (uint32_t)changes;
	*rest = slice_after(*rest, 2);
	return true;
}

static bool take_entry(struct slice *rest, struct manifest_entry *entry)
{
	struct slice open = SLICE("  <document");

	if (!slice_starts(*rest, open))
		return false;
	*rest = slice_after(*rest, open.len);
	if (!take_attribute(rest, "name", &entry->name) || !archive_name_is_good(entry->name) ||
	    !take_number(rest, "size", STORE_ARCHIVE_MAX, &entry->size) ||
	    !take_text(rest, "sha256", entry->digest, sizeof entry->digest) ||
	    !slice_starts(*rest, SLICE("/>\n")))
		return false;
	*rest = slice_after(*rest, 3);
	return true;
}

enum result manifest_read(struct slice text, struct arena *arena, struct store_version *version,
                          struct manifest_entry **entries, size_t *count, struct reason *reason)
{
	struct slice rest = text;
	struct buffer again;
	bool is_same;

	*count = 0;
	*version = (struct store_version){ 0 };
	if (text.len > MANIFEST_BYTES_MAX)
		return fail(reason, RESULT_INVALID, "manifest.xml is larger than %d bytes",
		            MANIFEST_BYTES_MAX);
	*entries = arena_new_array(arena, STORE_DOCUMENTS_MAX, sizeof **entries);
	if (!*entries)
		return fail(reason, RESULT_NO_MEMORY, "no memory for the manifest");
	if (!take_head(&rest, version))
		return fail(reason, RESULT_INVALID, "manifest.xml does not begin as a manifest of format 1");
	while (*count < STORE_DOCUMENTS_MAX && take_entry(&rest, &(*entries)[*count]))
		(*count)++;
	buffer_start(&again, MANIFEST_BYTES_MAX);
	manifest_write(version, *entries, *count, &again);
	is_same = !again.is_broken && slice_equal(buffer_slice(&again), text);
	buffer_stop(&again);
	if (!is_same)
		return fail(reason, RESULT_INVALID, "manifest.xml is not in its canonical form at byte %zu",
		            text.len - rest.len);
	return RESULT_OK;
}
