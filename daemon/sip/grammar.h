/*
 * grammar: the pieces of RFC 3261 §25.1 that several files of this room read.
 * Seen only inside daemon/sip.
 */
#ifndef DAEMON_SIP_GRAMMAR_H
#define DAEMON_SIP_GRAMMAR_H

#include "daemon/sip/sip.h"

/* Classes of characters; a character may be in several. '%' of an escape is in none: sip_skip looks at it. */
enum {
	SIP_CHAR_TOKEN = 1,    /* token */
	SIP_CHAR_USER = 2,     /* unreserved / user-unreserved */
	SIP_CHAR_PASSWORD = 4, /* unreserved and & = + $ , */
	SIP_CHAR_PARAM = 8,    /* paramchar, and = , which many write into values unescaped */
	SIP_CHAR_HEADER = 16,  /* hname and hvalue of a URI, = & between them included */
	SIP_CHAR_HOST = 32,    /* letters, digits, - . and _ */
	SIP_CHAR_VALUE = 64,   /* value of a header parameter outside quotes: visible, and ends nothing */
	SIP_CHAR_URI = 128,    /* any URI at all: visible ASCII without < > " \ ^ ` { | } */
};
extern const uint8_t sip_chars[256];

static inline bool sip_is(char c, unsigned classes) { return (sip_chars[(uint8_t)c] & classes) != 0; }
static inline bool sip_is_blank(char c) { return c == ' ' || c == '\t'; }
static inline bool sip_is_digit(char c) { return c >= '0' && c <= '9'; }

/*
 * Where the next control byte (below 0x20, or DEL) other than TAB stands, at or
 * after `at`; `end` when there is none.
 */
const char *sip_next_control(const char *at, const char *end);

/* Length of the run of characters of `classes` at the start. */
static inline size_t sip_span(struct slice s, unsigned classes)
{
	size_t n = 0;

	while (n < s.len && sip_is(s.ptr[n], classes))
		n++;
	return n;
}
/* The same with %XX escapes among them; a '%' without two hex digits ends the run. */
size_t sip_span_escaped(struct slice s, unsigned classes);

/* Takes blanks off the front. */
static inline void sip_skip_blanks(struct slice *s)
{
	while (s->len > 0 && sip_is_blank(s->ptr[0]))
		*s = slice_after(*s, 1);
}

/* Length of the quoted-string at the start, both quotes included; 0 when it does not start or does not end. */
size_t sip_quoted_length(struct slice s);

static inline struct slice sip_between(const char *from, const char *to)
{
	return (struct slice){ from, (size_t)(to - from) };
}

/* Fills `fault` (NULL: nobody asks) and says BAD; `at` lies in `whole`. */
enum sip_parse sip_bad(struct sip_fault *fault, struct slice whole, const char *at, int status,
                       const char *why);

/* host [":" port] at the front of `*rest`, which moves behind it. NULL when fine, else why not. */
struct sip_host {
	struct slice name; /* without brackets */
	uint16_t port;     /* 0: none */
	bool is_ipv4, is_ipv6;
};
const char *sip_host_take(struct slice *rest, bool may_have_blanks, struct sip_host *out);
bool sip_text_is_ipv4(struct slice text);
bool sip_text_is_ipv6(struct slice text);

/* Parameters, read whole.  The names of one list are all different: who would win differs from reader to reader. */
struct sip_params {
	struct {
		struct slice name;
		struct slice value; /* as it came, quotes included; SLICE_NONE: no '=' */
	} list[SIP_URI_PARAMS_MAX];
	size_t count;
};
/* `text` starts behind the first ';'.  NULL when fine, else why not, and `*at` where. */
const char *sip_params_read_uri(struct slice text, struct sip_params *out, const char **at);
const char *sip_params_read_header(struct slice text, struct sip_params *out, const char **at);
/* The value of one; false when there is none of this name (lower case). */
bool sip_params_find(const struct sip_params *params, struct slice name, struct slice *value);

/* Takes the next value of a comma-separated list off the front; commas in quotes and in <> do not part. */
bool sip_value_take(struct slice *rest, struct slice *value);

/*
 * The only way bytes of a head get written: false, and nothing written, when
 * there is a control byte among them (CR, LF and NUL above all).
 */
bool sip_emit(struct buffer *out, struct slice text);
bool sip_emit_header(struct buffer *out, struct slice name, struct slice value);
/* The name a header is written with. */
struct slice sip_header_name(const struct sip_header *header);
/* Takes back what was written behind the first `length` bytes. */
void sip_emit_undo(struct buffer *out, size_t length, bool was_broken);

/* sip_header_id for a name already known to be a token of at least one character. */
enum sip_header_id sip_header_of_token(struct slice name);

#endif
