/* screens.def as data. */
#include "tui/client/words.h"
#include "tui/screens/scene.h"

static const struct screen_row rows[SCREEN_COUNT] = {
#define SCREEN(ID, word, text, key, group, title, purpose)                                                   \
	[SCREEN_##ID] = { text, title, purpose, key, GROUP_##group, word##_draw, word##_command },
#include "tui/screens/screens.def"
#undef SCREEN
};

const struct screen_row *screen_row(enum screen screen) { return &rows[screen]; }

enum screen screen_named(struct slice word)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		if (rows[i].key && slice_equal(word, slice_of(rows[i].word)))
			return (enum screen)i;
	return SCREEN_COUNT;
}

enum screen screen_of_key(uint32_t key)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		if (key && rows[i].key == key)
			return (enum screen)i;
	return SCREEN_COUNT;
}

const char *screen_group(enum screen_group group)
{
	switch (group) {
	case GROUP_STATUS: return _("STATUS");
	case GROUP_ACCESS: return _("EXTERNAL ACCESS");
	case GROUP_PROVE: return _("PROVE AND FIX");
	case GROUP_NOWHERE: break;
	}
	return "";
}
