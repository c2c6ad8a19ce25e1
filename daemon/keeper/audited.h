/*
 * audited: calls and the audit: what was asked, what came of it, and who was refused.
 */
#ifndef DAEMON_KEEPER_AUDITED_H
#define DAEMON_KEEPER_AUDITED_H

#include "daemon/keeper/audit.h"
#include "daemon/keeper/who.h"

struct keeper;
struct call;

/* Writes down that the change was asked for. False: it cannot be, and the call has been failed. */
bool verb_audit_asked(struct call *call);
/* What came of it, durable before it is told. */
enum result verb_audit_outcome(struct call *call, const char *outcome, struct reason *reason);
/* A refusal for want of a role; a flood of them is counted, not written.  `verb`: "connect" for who is not let in. */
void audited_denial(struct keeper *k, const struct who *who, const char *verb, struct slice command,
                    const char *why);
/* "domain block x.example comment=..." as it would be typed. */
void audited_command(const struct control_verb *verb, const struct json *params, struct buffer *out);
/* What no call has asked for; `who` NULL: the keeper by itself.  The line's number, 0: it cannot be written. */
uint64_t audited_own(struct keeper *k, const struct audit_entry *entry);
/* The daemon before us ended between a deed and its outcome: writes what can be known of it. */
void audited_unended(struct keeper *k);

#endif
