/*
 * html: the words of a page.  Not a reader of HTML: it throws markup away and
 * keeps what a person would see, roughly.  Whatever comes out is plain text and
 * is escaped again by the writer, so a mistake here looks odd and harms nobody.
 */
#include "daemon/translate/parts.h"

struct page {
	struct slice rest;
	char *text; /* never longer than the page: every rule below writes at most what it read */
	size_t length;
};

static void add(struct page *page, struct slice piece)
{
	if (piece.len)
		memcpy(page->text + page->length, piece.ptr, piece.len);
	page->length += piece.len;
}

static char last_char(const struct page *page) { return page->length ? page->text[page->length - 1] : '\n'; }

static void add_blank(struct page *page)
{
	if (last_char(page) != ' ' && last_char(page) != '\n')
		add(page, SLICE(" "));
}

static void add_line_end(struct page *page)
{
	if (last_char(page) == ' ')
		page->length--;
	if (page->length && last_char(page) != '\n')
		add(page, SLICE("\n"));
}

/* The name of the element that a tag opens or closes. */
static struct slice element_name(struct slice tag)
{
	size_t length = 0;

	if (tag.len && tag.ptr[0] == '/')
		tag = slice_after(tag, 1);
	while (length < tag.len &&
	       ((ascii_lower(tag.ptr[length]) >= 'a' && ascii_lower(tag.ptr[length]) <= 'z') ||
	        (tag.ptr[length] >= '0' && tag.ptr[length] <= '9')))
		length++;
	return slice_first(tag, length);
}

static bool is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal_nocase(name, slice_of(names[i])))
			return true;
	return false;
}

/* Skips the content of an element that shows nothing. */
static void skip_content(struct page *page, struct slice name)
{
	while (page->rest.len > 0) {
		size_t at = slice_find(page->rest, '<');

		page->rest = slice_after(page->rest, at);
		if (page->rest.len > 1 && page->rest.ptr[1] == '/' &&
		    slice_equal_nocase(element_name(slice_after(page->rest, 1)), name))
			return;
		if (page->rest.len > 0)
			page->rest = slice_after(page->rest, 1);
	}
}

static void skip_tag(struct page *page)
{
	static const char *const blocks[] = { "br", "p",     "div", "li",         "tr", "ul",
		                              "ol", "table", "h1",  "h2",         "h3", "h4",
		                              "h5", "h6",    "hr",  "blockquote", "pre" };
	static const char *const silent[] = { "script", "style", "head", "title" };
	struct slice tag = slice_after(page->rest, 1);

	if (slice_starts(tag, SLICE("!--"))) {
		while (page->rest.len > 0 && !slice_starts(page->rest, SLICE("-->")))
			page->rest = slice_after(page->rest, 1);
		page->rest = slice_after(page->rest, page->rest.len < 3 ? page->rest.len : 3);
		return;
	}

	size_t end = slice_find(tag, '>');
	struct slice name = element_name(slice_first(tag, end));

	page->rest = slice_after(tag, end < tag.len ? end + 1 : end);
	if (is_one_of(name, blocks, sizeof blocks / sizeof *blocks))
		add_line_end(page);
	else if (tag.len && tag.ptr[0] != '/' && is_one_of(name, silent, sizeof silent / sizeof *silent))
		skip_content(page, name);
}

static size_t utf8_write(uint32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xC0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xE0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3F));
		to[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	to[0] = (char)(0xF0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3F));
	to[2] = (char)(0x80 | (c >> 6 & 0x3F));
	to[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* The character of "#65" or "#x41"; 0 when it is none that text may hold. */
static uint32_t numeric_reference(struct slice name)
{
	bool is_hex = name.len > 1 && ascii_lower(name.ptr[1]) == 'x';
	uint32_t value = 0;

	name = slice_after(name, is_hex ? 2 : 1);
	if (name.len == 0 || name.len > 7)
		return 0;
	for (size_t i = 0; i < name.len; i++) {
		int digit = translate_hex(name.ptr[i]);

		if (digit < 0 || (!is_hex && digit > 9))
			return 0;
		value = value * (is_hex ? 16 : 10) + (uint32_t)digit;
	}
	/* References of three digits and more write at most what they read: "&#xx;" is never above U+00FF. */
	return value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF) || value < 0x20 ? 0 : value;
}

/* "&name;" : true and taken, or left as text. */
static bool take_reference(struct page *page)
{
	static const struct {
		const char *name;
		uint32_t c;
	} known[] = { { "amp", '&' },  { "lt", '<' },    { "gt", '>' },
		      { "quot", '"' }, { "apos", '\'' }, { "nbsp", ' ' } };
	enum { REFERENCE_MAX = 10 };
	struct slice name = slice_after(page->rest, 1);
	uint32_t c = 0;
	char utf8[4];

	name.len = slice_find(name, ';');
	if (name.len == 0 || name.len > REFERENCE_MAX || name.len + 2 > page->rest.len)
		return false;
	if (name.ptr[0] == '#')
		c = numeric_reference(name);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_equal(name, slice_of(known[i].name)))
			c = known[i].c;
	if (c == 0)
		return false;
	page->rest = slice_after(page->rest, name.len + 2);
	add(page, (struct slice){ utf8, utf8_write(c, utf8) });
	return true;
}

struct slice translate_html_to_text(struct slice text, struct arena *arena)
{
	struct page page = { .rest = text, .text = arena_new(arena, text.len + 1) };

	if (!page.text)
		return SLICE_NONE;
	while (page.rest.len > 0) {
		char c = page.rest.ptr[0];

		if (c == '<') {
			skip_tag(&page);
		} else if (c == '&' && take_reference(&page)) {
			continue;
		} else {
			if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
				add_blank(&page);
			else
				add(&page, slice_first(page.rest, 1));
			page.rest = slice_after(page.rest, 1);
		}
	}
	while (page.length > 0 && (page.text[page.length - 1] == '\n' || page.text[page.length - 1] == ' '))
		page.length--;
	return (struct slice){ page.text, page.length };
}
