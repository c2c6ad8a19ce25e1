/*
 * words: texts that a person reads pass through gettext.
 *
 * _("...") where the text is used; N_("...") where it only stands in a table
 * and is translated later with _(row->text).  Command words, field names, JSON
 * and log records stay English.
 */
#ifndef TUI_CLIENT_WORDS_H
#define TUI_CLIENT_WORDS_H

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) (text)

#endif
