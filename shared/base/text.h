/*
 * text: hostile bytes made safe for a log line, a terminal or an XML document.
 */
#ifndef SHARED_BASE_TEXT_H
#define SHARED_BASE_TEXT_H

#include "shared/base/buffer.h"

/*
 * Bytes of the UTF-8 character that starts `s`: 1 to 4, or 0 when there is no
 * valid one (overlong, surrogate, above U+10FFFF, cut off).  RFC 3629 §4.
 */
size_t text_utf8_length(struct slice s);
/* The same, giving the code point. */
size_t text_utf8_decode(struct slice s, uint32_t *code_point);
bool text_is_utf8(struct slice s);

/* Controls, C1, bidirectional overrides, zero-width and other invisible characters. */
bool text_is_hidden(uint32_t code_point);

/* One line, printable: hidden characters and bytes that are no UTF-8 become \xHH; backslash doubled. */
void text_escape(struct buffer *out, struct slice s);

/* For XML text and attribute values: & < > " ' CR LF TAB escaped, what XML 1.0 forbids becomes U+FFFD. */
void text_escape_xml(struct buffer *out, struct slice s);

/* Like text_escape, into a fixed array, cut at its end. Returns `to`. */
const char *text_shown(struct slice s, char *to, size_t size);

#endif
