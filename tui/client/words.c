#include "tui/client/words.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum { NAME_MAX_BYTES = 160 };

/* /usr/bin/parley -> /usr/share/locale: wherever it was installed to, and in the tree it was built in. */
static bool find_folder(char to[WORDS_PATH_MAX])
{
	static const char below[] = "/share/locale";
	const char *started = (const char *)getauxval(AT_EXECFN);
	char path[PATH_MAX];
	char *slash;

	if (!started || !realpath(started, path))
		return false;
	for (int up = 0; up < 2; up++) {
		slash = strrchr(path, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	return (size_t)snprintf(to, WORDS_PATH_MAX, "%s%s", path, below) < WORDS_PATH_MAX;
}

static bool is_shown_well(void)
{
	const char *terminal = getenv("TERM"), *wanted = getenv("LANGUAGE");
	bool is_linux = terminal && slice_equal(slice_of(terminal), SLICE("linux"));

	return slice_equal(slice_of(nl_langinfo(CODESET)), SLICE("UTF-8")) &&
	       (!is_linux || (wanted && *wanted));
}

void words_bind(const char *folder)
{
	bindtextdomain("parley", folder);
	bind_textdomain_codeset("parley", "UTF-8");
	textdomain("parley");
}

void words_start(void)
{
	char folder[WORDS_PATH_MAX];

	setlocale(LC_ALL, "");
	if (!is_shown_well())
		setlocale(LC_MESSAGES, "C");
	words_bind(find_folder(folder) ? folder : "/usr/share/locale");
}

/* The empty text is the name of the catalogue's own header. */
const char *words_text(const char *text) { return *text ? gettext(text) : text; }

bool words_are_translated(void)
{
	static const char header[] = ""; /* of the catalogue; there is none where nothing is translated */

	return gettext(header)[0] != '\0';
}

const char *words_of(const char *context, struct slice name)
{
	char key[NAME_MAX_BYTES];
	const char *found;
	int length = snprintf(key, sizeof key, "%s\004%.*s", context, SLICE_ARG(name));

	if (name.len == 0 || length < 0 || (size_t)length >= sizeof key)
		return NULL;
	found = gettext(key);
	return found == key ? NULL : found;
}
