#include "daemon/store/journal.h"

#include <stdio.h>

#include "daemon/crypto/crypto.h"

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
	       c == '_' || c == '@' || c == '-';
}

static void add_word(struct buffer *out, const char *text)
{
	if (text[0] == '\0' || (text[0] == '-' && text[1] == '\0'))
		buffer_add(out, text[0] ? SLICE("%2D") : SLICE("-"));
	else
		for (; *text; text++) {
			if (is_plain(*text))
				buffer_add_char(out, *text);
			else
				buffer_printf(out, "%%%02X", (unsigned char)*text);
		}
	buffer_add_char(out, ' ');
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

static bool read_word(struct slice word, char *to, size_t size)
{
	size_t at = 0;

	if (slice_equal(word, SLICE("-")))
		word = SLICE("");
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (c == '%') {
			if (word.len - i < 3)
				return false;
			int high = digit(word.ptr[i + 1]), low = digit(word.ptr[i + 2]);

			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (at + 1 >= size)
			return false;
		to[at++] = c;
	}
	to[at] = '\0';
	return true;
}

static void chain_next(char chain[STORE_DIGEST_BYTES], struct slice line)
{
	struct crypto_digest digest;
	uint8_t bytes[CRYPTO_SHA256_BYTES];

	crypto_digest_start(&digest);
	crypto_digest_add(&digest, slice_of(chain));
	crypto_digest_add(&digest, line);
	crypto_digest_finish(&digest, bytes);
	crypto_hex_write(bytes, sizeof bytes, chain);
}

void journal_line_write(const struct store_version *version, char chain[STORE_DIGEST_BYTES],
                        struct buffer *out)
{
	size_t before = buffer_length(out);

	buffer_printf(out, "%llu %s %s ", (unsigned long long)version->number, version->digest,
	              version->publish_id);
	add_word(out, version->author);
	buffer_printf(out, "%lld %llu %u ", (long long)version->time_ms, (unsigned long long)version->parent,
	              (unsigned)version->changes);
	add_word(out, version->comment);
	if (out->is_broken)
		return;

	struct slice line = slice_after(buffer_slice(out), before);

	chain_next(chain, slice_first(line, line.len - 1));
	buffer_printf(out, "%s\n", chain);
}

bool journal_line_read(struct slice line, char chain[STORE_DIGEST_BYTES], struct store_version *version)
{
	struct slice rest = line, word[9];
	char next[STORE_DIGEST_BYTES];
	uint64_t time, changes;

	for (size_t i = 0; i < 9; i++)
		if (!slice_next(&rest, ' ', &word[i]))
			return false;
	if (rest.ptr != NULL || line.len > JOURNAL_LINE_MAX)
		return false;
	*version = (struct store_version){ 0 };
	memcpy(next, chain, sizeof next);
	chain_next(next, slice_first(line, line.len - word[8].len - 1));
	if (!slice_equal(word[8], slice_of(next)) ||
	    !slice_to_number(word[0], UINT64_MAX, &version->number) ||
	    !slice_to_text(word[1], version->digest, sizeof version->digest) ||
	    !slice_to_text(word[2], version->publish_id, sizeof version->publish_id) ||
	    !read_word(word[3], version->author, sizeof version->author) ||
	    !slice_to_number(word[4], INT64_MAX, &time) ||
	    !slice_to_number(word[5], UINT64_MAX, &version->parent) ||
	    !slice_to_number(word[6], UINT32_MAX, &changes) ||
	    !read_word(word[7], version->comment, sizeof version->comment))
		return false;
	version->time_ms = (int64_t)time;
	version->changes = (uint32_t)changes;
	memcpy(chain, next, sizeof next);
	return true;
}
