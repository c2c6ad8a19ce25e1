/* parts: what the files of this folder share and nobody else needs. */
#ifndef DAEMON_NAMES_PARTS_H
#define DAEMON_NAMES_PARTS_H

#include "daemon/names/names.h"

/*
 * Characters that a mapping drops without a trace (Default_Ignorable_Code_Point,
 * Unicode 14): "fabrikam" with a soft hyphen would become the real fabrikam.
 * The joiners U+200C and U+200D are not among them; IDNA2008 keeps them, where their
 * neighbours allow it.
 */
bool names_would_vanish(uint32_t code_point);

/* Fails with `"TEXT" WHY`, the text escaped and cut. */
enum result names_refuse(struct reason *reason, struct slice text, const char *why);

#endif
