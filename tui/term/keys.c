#include "tui/term/keys.h"

static bool ends_sequence(uint32_t c) { return c >= 0x40 && c <= 0x7e; } /* ECMA-48 §5.4: final bytes */

uint32_t keys_filter(struct keys *keys, int64_t now_ms, uint32_t input)
{
	bool is_guarded = keys->escape_ms && now_ms - keys->escape_ms < KEYS_ESCAPE_GUARD_MS;

	if (input == INPUT_ESCAPE) {
		keys->escape_ms = now_ms;
		keys->torn = 0;
		return input;
	}
	if (!is_guarded) {
		keys->torn = 0;
		return input;
	}
	if (keys->torn) {
		if (ends_sequence(input)) {
			keys->torn = 0;
			keys->escape_ms = 0;
		}
		return INPUT_NONE;
	}
	if (input == '[' || input == 'O') {
		keys->torn = 1;
		return INPUT_NONE;
	}
	keys->escape_ms = 0;
	return input;
}
