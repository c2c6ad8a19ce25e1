#include "tui/screens/actions.h"

#include "tui/client/words.h"

#define CONTROL_VERB_NONE    CONTROL_VERB_COUNT
#define CONTROL_VERB_OF_KIND ACTION_VERB_OF_KIND

static const struct action actions[] = {
#define ACTION(id, where, shown, key, other, label, sentence, verb)                                          \
	{ where, shown, key, other, label, sentence, CONTROL_VERB_##verb },
#include "tui/screens/actions.def"
#undef ACTION
};

const struct action *action(enum action_id id) { return (size_t)id < ACTION_COUNT ? &actions[id] : NULL; }

enum action_id action_of_key(unsigned where, uint32_t key)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if ((actions[i].where & where) && key && (actions[i].key == key || actions[i].other == key))
			return (enum action_id)i;
	return ACTION_COUNT;
}
