#include "tui/screens/command.h"

#include "tui/client/words.h"

enum result command_split(struct slice line, struct command_words *out, struct reason *reason)
{
	char quote = 0;
	bool in_word = false;
	size_t used = 0;

	out->count = 0;
	for (size_t i = 0; i <= line.len; i++) {
		char c = i < line.len ? line.ptr[i] : ' ';
		bool is_end = i == line.len || (!quote && (c == ' ' || c == '\t'));

		if (is_end && quote)
			return fail(reason, RESULT_INVALID, _("a quote is not closed"));
		if (is_end && !in_word)
			continue;
		if (used + 2 > sizeof out->text || out->count == COMMAND_WORDS_MAX)
			return fail(reason, RESULT_INVALID, _("the command is too long"));
		if (is_end) {
			out->text[used++] = '\0';
			out->count++;
			in_word = false;
			continue;
		}
		if (!in_word) {
			out->words[out->count] = out->text + used;
			in_word = true;
		}
		if (quote ? c == quote : c == '\'' || c == '"')
			quote = quote ? 0 : c;
		else if (c == '\\' && quote != '\'' && i + 1 < line.len)
			out->text[used++] = line.ptr[++i];
		else if (c)
			out->text[used++] = c;
	}
	out->words[out->count] = NULL;
	return RESULT_OK;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80 || (c && strchr("-._=:@/,+%", c));
}

void command_add(struct buffer *line, struct slice word)
{
	bool needs_quotes = word.len == 0;

	for (size_t i = 0; i < word.len; i++)
		needs_quotes |= !is_plain(word.ptr[i]);
	if (buffer_length(line))
		buffer_add_char(line, ' ');
	if (!needs_quotes) {
		buffer_add(line, word);
		return;
	}
	buffer_add_char(line, '\'');
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '\'')
			buffer_add(line, SLICE("'\\''"));
		else
			buffer_add_char(line, word.ptr[i]);
	}
	buffer_add_char(line, '\'');
}

void command_add_name(struct buffer *names, struct slice name)
{
	if (buffer_length(names))
		buffer_add_char(names, ',');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == ',')
			buffer_add_char(names, '\\');
		buffer_add_char(names, name.ptr[i]);
	}
}
