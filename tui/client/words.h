/*
 * words: texts that a person reads pass through gettext.
 *
 * _("...") where the text is used; N_("...") where it only stands in a table
 * and is translated later with _(row->text); ngettext() for counts.  Command words, field names, JSON
 * and log records stay English: a name of the wire is shown by words_of(), which knows it by where it stands.
 * tui/po holds the translations; `make po` gathers the texts.
 */
#ifndef TUI_CLIENT_WORDS_H
#define TUI_CLIENT_WORDS_H

#include <libintl.h>

#include "shared/base/slice.h"

#define _(text)  words_text(text)
#define N_(text) (text)
/* In a table: a name of the wire that words_of() translates in this context. */
#define NC_(context, name) (name)

enum { WORDS_PATH_MAX = 512 };

/*
 * Once, first thing in main: the locale of the environment and its translations, which lie in ../share/locale
 * beside the folder of the program.  English where they cannot be shown: when the locale's characters are not
 * UTF-8, and on the Linux console, whose font has no Chinese, unless $LANGUAGE asks for them.
 */
void words_start(void);
/* Translations from this folder from now on; for tests. */
void words_bind(const char *folder);

/* Never NULL; "" stays "". */
const char *words_text(const char *text) __attribute__((format_arg(1)));
/* False: everything is English. */
bool words_are_translated(void);
/* What a name of the wire is called in `context` ("field", "kind", "unit", "word", "part"); NULL: as it is. */
const char *words_of(const char *context, struct slice name);

#endif
