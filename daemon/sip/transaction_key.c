#include "daemon/sip/transaction_key.h"

enum { KEY_BYTES = 512, KEY_HASHED_BYTES = 1 + 2 * sizeof(uint64_t), KEY_PIECES_MAX = 8 };

/* Pieces side by side, each told from the next by its length; what is too long stands there as its hashes. */
struct pieces {
	const struct siphash_key *seeds;
	char bytes[KEY_BYTES];
	size_t length;
};

static void add(struct pieces *pieces, struct slice piece)
{
	char *at = pieces->bytes + pieces->length;

	if (piece.len < 0xff &&
	    pieces->length + 1 + piece.len <= KEY_BYTES - KEY_PIECES_MAX * KEY_HASHED_BYTES) {
		at[0] = (char)piece.len;
		if (piece.len)
			memcpy(at + 1, piece.ptr, piece.len);
		pieces->length += 1 + piece.len;
		return;
	}

	uint64_t hashes[2] = { siphash(pieces->seeds[0], piece), siphash(pieces->seeds[1], piece) };

	at[0] = (char)0xff;
	memcpy(at + 1, hashes, sizeof hashes);
	pieces->length += KEY_HASHED_BYTES;
}

/* Host names are the same in any case (RFC 3261 §19.1.4). */
static void add_host(struct pieces *pieces, struct slice host)
{
	char lower[0xff];

	if (host.len > sizeof lower) {
		add(pieces, host);
		return;
	}
	for (size_t i = 0; i < host.len; i++)
		lower[i] = ascii_lower(host.ptr[i]);
	add(pieces, (struct slice){ lower, host.len });
}

static void add_number(struct pieces *pieces, uint64_t number)
{
	add(pieces, (struct slice){ (const char *)&number, sizeof number });
}

static struct sip_transaction_key finish(const struct pieces *pieces)
{
	struct slice all = { pieces->bytes, pieces->length };

	return (struct sip_transaction_key){ { siphash(pieces->seeds[0], all),
		                               siphash(pieces->seeds[1], all) } };
}

bool sip_transaction_has_cookie(struct slice branch)
{
	struct slice cookie = SLICE("z9hG4bK");

	return branch.len > cookie.len && slice_starts(branch, cookie);
}

/*
 * §17.2.3, the second list, for senders of RFC 2543.  The To tag of an INVITE
 * is not that of its ACK, so it is no part of the key of these; the table
 * compares the ACK's with the response sent.
 */
static void add_old(struct pieces *pieces, const struct sip_message *request)
{
	add(pieces, request->target);
	add(pieces, request->from.tag);
	add(pieces, request->call_id);
	add_number(pieces, request->cseq.number);
	add(pieces, request->via.all);
	if (request->method != SIP_INVITE && request->method != SIP_ACK && request->method != SIP_CANCEL)
		add(pieces, request->to.tag);
}

struct sip_transaction_key sip_transaction_key_server(const struct siphash_key seeds[2],
                                                      const struct sip_message *request, struct slice method)
{
	struct pieces pieces = { .seeds = seeds };

	if (sip_transaction_has_cookie(request->via.branch)) {
		add(&pieces, SLICE("server"));
		add(&pieces, method);
		add(&pieces, request->via.branch);
		add_host(&pieces, request->via.host);
		add_number(&pieces, request->via.port);
	} else {
		add(&pieces, SLICE("old server"));
		add(&pieces, method);
		add_old(&pieces, request);
	}
	return finish(&pieces);
}

struct sip_transaction_key sip_transaction_key_client(const struct siphash_key seeds[2], struct slice branch,
                                                      enum sip_method method, handle connection)
{
	struct pieces pieces = { .seeds = seeds };

	add(&pieces, SLICE("client"));
	add_number(&pieces, method);
	add_number(&pieces, connection);
	add(&pieces, branch);
	return finish(&pieces);
}
