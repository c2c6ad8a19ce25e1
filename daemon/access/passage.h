/*
 * passage: a request between the steps that inbound.c lists.  Seen only inside this folder.
 */
#ifndef DAEMON_ACCESS_PASSAGE_H
#define DAEMON_ACCESS_PASSAGE_H

#include "daemon/access/parts.h"

struct passage {
	struct flow *flow;
	struct access *access;
	const struct sip_message *m;
	struct sip_transaction *server; /* NULL: ACK */
	struct request *request;        /* when it has already been waiting */
	enum sip_route_answer route;
	struct sip_token token;
	struct policy_facts facts;
	struct policy_verdict verdict;
	struct partner *partner;
	enum sip_side to;
	bool is_farewell; /* from the gateway */
};

/* ---- parties.c ---- */
/* Whom policy is asked about: user as written, host in small letters. */
struct party {
	struct slice user, host;
};
struct party passage_from(const struct passage *p);
struct party passage_to(const struct passage *p);
/* In a dialog the Request-URI may be the address of somebody else: true, and what is to be asked about him. */
bool passage_facts_of_target(const struct passage *p, struct policy_facts *facts);

/* ---- passage.c ---- */
/* `words` are told to the asker, also to one outside. */
void passage_refuse(struct passage *p, int status, int diagnostic, const char *words, struct slice extra);
/* By a row of refusals.def; `why` says more than the row does, to us alone; "": it does not. */
void passage_turn_down(struct passage *p, enum policy_step_id by, const char *why, struct slice extra);
/* The decision's step refuses: counted, told, answered. */
void passage_refused_by_policy(struct passage *p);
/* From here on the request must outlive its bytes. False: out of memory, and it has been answered. */
bool passage_has_request(struct passage *p);
/* Is it for the edge itself: our own name, no user? RFC 3261 §11. */
bool passage_is_for_us(const struct passage *p);
void passage_answer_options(struct passage *p);

#endif
