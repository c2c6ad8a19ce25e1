/*
 * Who is let in over TLS, in both directions and both versions; against a zoo
 * of certificates made at run time.
 */
#include "tests/unit/io/pair.h"
#include "tests/unit/io/zoo.h"

static struct zoo zoo;

/* ---- the suites ---- */

static void offers_exactly_the_nine_suites(void **state)
{
	static const char *const golden[] = {
		"TLS_AES_256_GCM_SHA384",
		"TLS_AES_128_GCM_SHA256",
		"TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_CHACHA20_POLY1305",
		"TLS_ECDHE_RSA_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_AES_128_GCM_SHA256",
		"TLS_ECDHE_RSA_CHACHA20_POLY1305",
	};
	gnutls_priority_t priority;
	unsigned found = 0, index;

	(void)state;
	assert_int_equal(gnutls_priority_init(&priority, tls_priority, NULL), 0);
	for (unsigned i = 0;; i++) {
		int code = gnutls_priority_get_cipher_suite_index(priority, i, &index);

		if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (code < 0)
			continue;
		assert_true(found < sizeof golden / sizeof *golden);
		assert_string_equal(gnutls_cipher_suite_info(index, NULL, NULL, NULL, NULL, NULL),
		                    golden[found]);
		found++;
	}
	assert_int_equal(found, sizeof golden / sizeof *golden);
	gnutls_priority_deinit(priority);
}

/* ---- credentials ---- */

static void says_which_file_is_wrong(void **state)
{
	struct zoo_pem good = zoo_make(&zoo, ZOO_GOOD, ZOO_SERVER),
	               other = zoo_make(&zoo, ZOO_GOOD, ZOO_SERVER),
	               weak = zoo_make(&zoo, ZOO_RSA1024, ZOO_SERVER),
	               longer = zoo_make(&zoo, ZOO_LONG_CHAIN, ZOO_SERVER);
	struct slice chain = slice_of(good.chain), key = slice_of(good.key), trust = zoo_slice(zoo.trust);
	const struct {
		const char *behaviour;
		struct slice chain, key, trust, crls;
		const char *words;
	} rows[] = {
		{ "no_chain", SLICE_NONE, key, trust, SLICE_NONE, "certificate chain" },
		{ "chain_is_a_key", key, key, trust, SLICE_NONE, "certificate chain" },
		{ "no_key", chain, SLICE_NONE, trust, SLICE_NONE, "private key" },
		{ "key_is_garbage", chain, SLICE("hello"), trust, SLICE_NONE, "private key" },
		{ "key_of_another", chain, slice_of(other.key), trust, SLICE_NONE, "does not belong" },
		{ "weak_key_of_ours", slice_of(weak.chain), slice_of(weak.key), trust, SLICE_NONE,
		  "1024 bits" },
		{ "long_chain_of_ours", slice_of(longer.chain), slice_of(longer.key), trust, SLICE_NONE,
		  "9 certificates" },
		{ "no_trust", chain, key, SLICE_NONE, SLICE_NONE, "trusted authorities" },
		{ "trust_is_garbage", chain, key, SLICE("x"), SLICE_NONE, "trusted authorities" },
		{ "crls_are_garbage", chain, key, trust, SLICE("x"), "CRLs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_credentials *credentials = NULL;
		struct reason reason = { "" };

		printf("  %s\n", rows[i].behaviour);
		assert_int_equal(tls_credentials_new(TLS_FEDERATION, rows[i].chain, rows[i].key,
		                                     rows[i].trust, rows[i].crls, &credentials, &reason),
		                 RESULT_INVALID);
		assert_null(credentials);
		if (!strstr(reason.text, rows[i].words))
			fail_msg("\"%s\" does not say \"%s\"", reason.text, rows[i].words);
	}
	zoo_pem_free(&good);
	zoo_pem_free(&other);
	zoo_pem_free(&weak);
	zoo_pem_free(&longer);
}

static void refuses_a_crl_of_a_stranger(void **state)
{
	struct zoo_pem good = zoo_make(&zoo, ZOO_GOOD, ZOO_SERVER),
	               revoked = zoo_make(&zoo, ZOO_REVOKED, ZOO_SERVER);
	struct tls_credentials *credentials = NULL;
	struct reason reason = { "" };
	gnutls_datum_t rogue;

	(void)state;
	zoo_ok(gnutls_x509_crt_export2(zoo.rogue_ca.crt, GNUTLS_X509_FMT_PEM, &rogue));
	assert_int_equal(tls_credentials_new(TLS_FEDERATION, slice_of(good.chain), slice_of(good.key),
	                                     zoo_slice(rogue), zoo_slice(zoo.crls), &credentials, &reason),
	                 RESULT_INVALID);
	assert_non_null(strstr(reason.text, "CRLs"));
	assert_int_equal(tls_credentials_new(TLS_FEDERATION, slice_of(good.chain), slice_of(good.key),
	                                     zoo_slice(zoo.trust), zoo_slice(zoo.crls), &credentials,
	                                     &reason),
	                 RESULT_OK);
	tls_credentials_free(&credentials);
	gnutls_free(rogue.data);
	zoo_pem_free(&good);
	zoo_pem_free(&revoked);
}

static void reads_names_for_display(void **state)
{
	struct zoo_pem pem = zoo_make(&zoo, ZOO_WILDCARD, ZOO_SERVER),
	               nul = zoo_make(&zoo, ZOO_NUL, ZOO_SERVER);
	struct arena arena;
	struct tls_peer peer;
	struct reason reason = { "" };

	(void)state;
	arena_start(&arena, 64 * 1024);
	assert_int_equal(tls_certificate_read(slice_of(pem.chain), &arena, &peer, &reason), RESULT_OK);
	assert_true(peer.has_certificate);
	assert_int_equal(peer.dns_count, 3);
	assert_true(slice_equal(peer.dns[0], SLICE("good.example")));
	assert_true(slice_equal(peer.dns[1], SLICE("other.example")));
	assert_true(slice_equal(peer.dns[2], SLICE("*.wild.example")));
	assert_int_equal(peer.sip_count, 1);
	assert_true(slice_equal(peer.sip[0], SLICE("sip.example")));
	assert_string_equal(peer.subject, "CN=leaf");
	assert_string_equal(peer.issuer, "CN=good authority");
	assert_int_equal(strlen(peer.fingerprint), 64);
	assert_true(peer.not_after_s > time(NULL)); /* test */
	assert_int_equal(tls_certificate_read(slice_of(nul.chain), &arena, &peer, &reason), RESULT_INVALID);
	assert_int_equal(tls_certificate_read(SLICE("garbage"), &arena, &peer, &reason), RESULT_INVALID);
	assert_int_equal(tls_certificate_read(SLICE_NONE, &arena, &peer, &reason), RESULT_INVALID);
	arena_stop(&arena);
	zoo_pem_free(&pem);
	zoo_pem_free(&nul);
}

/* ---- who is let in ---- */

struct guest {
	const char *behaviour;
	enum tls_boundary boundary;
	enum zoo_flaw flaw;
	enum zoo_usage usage;
	const char *words; /* of who refuses; NULL: let in */
};

static const struct guest guests[] = {
	{ "takes_both_usages", TLS_FEDERATION, ZOO_GOOD, ZOO_BOTH, NULL },
	{ "takes_server_auth_alone", TLS_FEDERATION, ZOO_GOOD, ZOO_SERVER, NULL },
	{ "takes_a_certificate_without_usages", TLS_FEDERATION, ZOO_GOOD, ZOO_NO_USAGE, NULL },
	{ "takes_rsa_2048", TLS_FEDERATION, ZOO_RSA2048, ZOO_SERVER, NULL },
	{ "refuses_client_auth_alone", TLS_FEDERATION, ZOO_GOOD, ZOO_CLIENT, "client-auth" },
	{ "refuses_another_usage", TLS_FEDERATION, ZOO_GOOD, ZOO_EMAIL, "usages" },
	{ "internal_takes_both_usages", TLS_INTERNAL, ZOO_GOOD, ZOO_BOTH, NULL },
	{ "internal_takes_server_auth_alone", TLS_INTERNAL, ZOO_GOOD, ZOO_SERVER, NULL },
	{ "internal_takes_client_auth_alone", TLS_INTERNAL, ZOO_GOOD, ZOO_CLIENT, NULL },
	{ "internal_takes_no_usages", TLS_INTERNAL, ZOO_GOOD, ZOO_NO_USAGE, NULL },
	{ "internal_refuses_another_usage", TLS_INTERNAL, ZOO_GOOD, ZOO_EMAIL, "usages" },
	{ "refuses_an_expired_certificate", TLS_FEDERATION, ZOO_EXPIRED, ZOO_BOTH, "expired on" },
	{ "refuses_one_not_valid_yet", TLS_FEDERATION, ZOO_NOT_YET, ZOO_BOTH, "not valid before" },
	{ "refuses_an_expired_intermediate", TLS_FEDERATION, ZOO_EXPIRED_CA, ZOO_BOTH, "chain has expired" },
	{ "refuses_an_unknown_authority", TLS_FEDERATION, ZOO_ROGUE, ZOO_BOTH, "rogue authority" },
	{ "refuses_self_signed", TLS_FEDERATION, ZOO_SELF, ZOO_BOTH, "not trusted" },
	{ "refuses_sha1", TLS_FEDERATION, ZOO_SHA1, ZOO_BOTH, "SHA1" },
	{ "refuses_rsa_1024", TLS_FEDERATION, ZOO_RSA1024, ZOO_BOTH, "1024 bits" },
	{ "refuses_a_nul_in_a_name", TLS_FEDERATION, ZOO_NUL, ZOO_BOTH, "name" },
	{ "refuses_a_revoked_one", TLS_FEDERATION, ZOO_REVOKED, ZOO_BOTH, "revoked" },
	{ "refuses_a_long_chain", TLS_FEDERATION, ZOO_LONG_CHAIN, ZOO_BOTH, "at most 6" },
	{ "refuses_an_issuer_that_is_no_authority", TLS_FEDERATION, ZOO_NO_CA, ZOO_BOTH, "" },
};

static void meet(const struct guest *guest, bool is_tls12, bool guest_is_client, bool shows_none)
{
	struct tls_credentials *visitor = zoo_credentials(&zoo, guest->flaw, guest->usage, guest->boundary,
	                                                  shows_none);
	struct tls_credentials *host = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, guest->boundary, false);
	struct pair pair;
	struct side *ours, *theirs;

	zoo_only_version(visitor, is_tls12);
	pair_start(&pair, guest_is_client ? visitor : host, guest_is_client ? host : visitor);
	ours = guest_is_client ? &pair.server : &pair.client;
	theirs = guest_is_client ? &pair.client : &pair.server;
	pair_connect(&pair);
	if (!guest->words) {
		pair_run(&pair, pair_both_up);
		assert_string_equal(ours->suite, is_tls12 ? "TLS1.2 AES-256-GCM" : "TLS1.3 AES-256-GCM");
		assert_true(connection_peer(ours->connection)->has_certificate);
		assert_int_equal(connection_peer(ours->connection)->dns_count, 2);
		assert_true(slice_equal(connection_peer(ours->connection)->dns[1], SLICE("other.example")));
	} else {
		pair_run(&pair, pair_both_closed);
		assert_false(ours->is_up);
		assert_string_equal(connection_end_name(ours->end), "tls-ours");
		assert_non_null(strstr(connection_end_advice(ours->end), "external-trust"));
		if (!strstr(ours->words, guest->words))
			fail_msg("\"%s\" does not say \"%s\"", ours->words, guest->words);
		printf("      %s | %s\n", ours->words, theirs->words);
		assert_string_equal(connection_end_name(theirs->end), "tls-theirs");
		assert_non_null(strstr(theirs->words, "alert: "));
	}
	pair_stop(&pair);
	tls_credentials_free(&visitor);
	tls_credentials_free(&host);
}

static void lets_in_who_should_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof guests / sizeof *guests; i++) {
		for (unsigned way = 0; way < 4; way++) {
			printf("  %s, TLS 1.%d, %s\n", guests[i].behaviour, way & 1 ? 2 : 3,
			       way & 2 ? "we connect" : "it connects");
			meet(&guests[i], way & 1, !(way & 2), false);
		}
	}
}

static void refuses_a_client_without_certificate(void **state)
{
	static const struct guest nobody = { "none", TLS_FEDERATION, ZOO_GOOD, ZOO_BOTH, "no certificate" };

	(void)state;
	meet(&nobody, true, true, true);
	meet(&nobody, false, true, true);
}

/* ---- which certificate of ours ---- */

static struct zoo_pem named[3]; /* plain, hosted, private: told apart by their bytes */

static struct tls_credentials *several(void)
{
	static const struct slice names[] = { { "sip.hosted.example", 18 }, { "hosted.example", 14 } };
	struct tls_credentials *credentials = NULL;
	struct reason reason = { "" };

	assert_int_equal(tls_credentials_new(TLS_FEDERATION, slice_of(named[0].chain), slice_of(named[0].key),
	                                     zoo_slice(zoo.trust), SLICE_NONE, &credentials, &reason),
	                 RESULT_OK);
	assert_int_equal(tls_credentials_add(credentials, SLICE("hosted"), slice_of(named[1].chain),
	                                     slice_of(named[1].key), names, 2, &reason),
	                 RESULT_OK);
	assert_int_equal(tls_credentials_add(credentials, SLICE("private"), slice_of(named[2].chain),
	                                     slice_of(named[2].key), NULL, 0, &reason),
	                 RESULT_OK);
	assert_true(tls_credentials_has(credentials, SLICE("private")));
	assert_false(tls_credentials_has(credentials, SLICE("privat")));
	return credentials;
}

static const char *fingerprint_of(const struct zoo_pem *pem, struct arena *arena)
{
	struct tls_peer peer;

	assert_int_equal(tls_certificate_read(slice_of(pem->chain), arena, &peer, NULL), RESULT_OK);
	return peer.fingerprint;
}

/* What the server shows for a name that is asked for, and the client for a certificate it is told to show. */
static void shows_the_certificate_that_is_asked_for(void **state)
{
	static const struct {
		const char *behaviour, *server_name, *certificate;
		size_t by_server, by_client;
	} rows[] = {
		{ "no_name_is_asked_for", NULL, NULL, 0, 0 },
		{ "a_hosted_name", "sip.hosted.example", NULL, 1, 0 },
		{ "another_hosted_name_in_capitals", "HOSTED.example", NULL, 1, 0 },
		{ "a_name_that_only_ends_alike", "x.sip.hosted.example", NULL, 0, 0 },
		{ "a_name_of_nobody", "sip.elsewhere.example", NULL, 0, 0 },
		{ "a_certificate_for_one_partner", NULL, "private", 0, 2 },
		{ "both_at_once", "sip.hosted.example", "private", 1, 2 },
		{ "the_certificate_of_no_name", "sip.hosted.example", "", 1, 0 },
	};
	struct arena arena;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		named[i] = zoo_make(&zoo, ZOO_GOOD, ZOO_BOTH);
	arena_start(&arena, 64 * 1024);
	for (size_t i = 0; i < sizeof rows / sizeof *rows * 2; i++) {
		struct tls_credentials *client = several(), *server = several();
		struct pair pair;

		printf("  %s\n", rows[i / 2].behaviour);
		zoo_only_version(client, i & 1);
		pair_start(&pair, client, server);
		pair.client_settings.server_name = rows[i / 2].server_name;
		pair.client_settings.certificate = rows[i / 2].certificate;
		pair_connect(&pair);
		pair_run(&pair, pair_both_up);
		assert_string_equal(connection_peer(pair.client.connection)->fingerprint,
		                    fingerprint_of(&named[rows[i / 2].by_server], &arena));
		assert_string_equal(connection_peer(pair.server.connection)->fingerprint,
		                    fingerprint_of(&named[rows[i / 2].by_client], &arena));
		pair_stop(&pair);
		tls_credentials_free(&client);
		tls_credentials_free(&server);
		arena_reset(&arena);
	}
	arena_stop(&arena);
	for (size_t i = 0; i < 3; i++)
		zoo_pem_free(&named[i]);
}

static void refuses_a_further_certificate_that_is_none(void **state)
{
	struct zoo_pem good = zoo_make(&zoo, ZOO_GOOD, ZOO_BOTH), other = zoo_make(&zoo, ZOO_GOOD, ZOO_BOTH);
	struct tls_credentials *credentials = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION,
	                                                      false);
	struct reason reason = { "" };

	(void)state;
	assert_int_equal(tls_credentials_add(credentials, SLICE("x"), slice_of(good.chain),
	                                     slice_of(other.key), NULL, 0, &reason),
	                 RESULT_INVALID);
	assert_non_null(strstr(reason.text, "does not belong"));
	assert_int_equal(tls_credentials_add(credentials, SLICE("x"), SLICE("no"), slice_of(good.key), NULL,
	                                     0, &reason),
	                 RESULT_INVALID);
	assert_false(tls_credentials_has(credentials, SLICE("x")));
	for (int i = 1; i < TLS_IDENTITIES_MAX; i++)
		assert_int_equal(tls_credentials_add(credentials, SLICE("x"), slice_of(good.chain),
		                                     slice_of(good.key), NULL, 0, &reason),
		                 RESULT_OK);
	assert_int_equal(tls_credentials_add(credentials, SLICE("x"), slice_of(good.chain),
	                                     slice_of(good.key), NULL, 0, &reason),
	                 RESULT_LIMIT);
	tls_credentials_free(&credentials);
	zoo_pem_free(&good);
	zoo_pem_free(&other);
}

/* ---- what is remembered ---- */

static void knock(struct tls_credentials *visitor, struct tls_credentials *host, bool is_let_in)
{
	struct pair pair;

	pair_start(&pair, visitor, host);
	pair_connect(&pair);
	pair_run(&pair, is_let_in ? pair_both_up : pair_both_closed);
	assert_int_equal(pair.server.is_up, is_let_in);
	if (!is_let_in)
		assert_non_null(strstr(pair.server.words, "not trusted"));
	pair_stop(&pair);
}

static void remembers_good_and_bad_certificates_until_something_changes(void **state)
{
	struct tls_credentials *good = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	struct tls_credentials *bad = zoo_credentials(&zoo, ZOO_SELF, ZOO_BOTH, TLS_FEDERATION, false);
	struct tls_credentials *host = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	struct tls_memory_limits limits = { .accepted = 10, .rejected = 10, .deleted_percent = 20 };
	struct tls_memory_counts counts;

	(void)state;
	tls_credentials_remember(host, &limits);
	for (int i = 0; i < 3; i++) {
		knock(good, host, true);
		knock(bad, host, false);
	}
	counts = tls_credentials_memory(host);
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.rejected, 1);
	assert_int_equal(counts.accepted_again, 2);
	assert_int_equal(counts.rejected_again, 2);
	tls_credentials_remember(host, &limits); /* nothing has changed */
	assert_int_equal(tls_credentials_memory(host).accepted, 1);
	limits.accepted = limits.rejected = 0;
	tls_credentials_remember(host, &limits);
	knock(good, host, true);
	knock(bad, host, false);
	counts = tls_credentials_memory(host);
	assert_int_equal(counts.accepted + counts.rejected, 0);
	tls_credentials_free(&good);
	tls_credentials_free(&bad);
	tls_credentials_free(&host);
}

/* A key of its own for each number. */
static const uint8_t *key_of(unsigned number)
{
	static uint8_t key[CRYPTO_SHA256_BYTES];

	memcpy(key, &number, sizeof number);
	return key;
}

static enum tls_memory_answer asked(struct tls_memory *memory, unsigned number, int64_t now_s)
{
	gnutls_alert_description_t alert;
	struct reason reason = { "" };

	return tls_memory_ask(memory, key_of(number), now_s, &alert, &reason);
}

static void forgets_the_oldest_share_when_full_and_all_in_time(void **state)
{
	struct tls_credentials *host = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	const struct tls_memory_limits limits = { .accepted = 10, .rejected = 3, .deleted_percent = 20 };
	const struct reason why = { "bad" };

	(void)state;
	tls_credentials_remember(host, &limits);
	for (unsigned i = 0; i < 10; i++)
		tls_memory_good(host->memory, key_of(i), 1000, 100000);
	assert_int_equal(tls_credentials_memory(host).accepted, 10);
	tls_memory_good(host->memory, key_of(10), 1000, 100000); /* two of ten go, one comes */
	assert_int_equal(tls_credentials_memory(host).accepted, 9);
	assert_int_equal(asked(host->memory, 0, 1001), TLS_MEMORY_UNKNOWN);
	assert_int_equal(asked(host->memory, 1, 1001), TLS_MEMORY_UNKNOWN);
	assert_int_equal(asked(host->memory, 2, 1001), TLS_MEMORY_GOOD);
	assert_int_equal(asked(host->memory, 2, 999), TLS_MEMORY_UNKNOWN); /* the clock was set back */
	assert_int_equal(asked(host->memory, 3, 1000 + 3599), TLS_MEMORY_GOOD);
	assert_int_equal(asked(host->memory, 3, 1000 + 3600), TLS_MEMORY_UNKNOWN);
	tls_memory_good(host->memory, key_of(20), 1000, 1010); /* ends before its hour */
	assert_int_equal(asked(host->memory, 20, 1009), TLS_MEMORY_GOOD);
	assert_int_equal(asked(host->memory, 20, 1010), TLS_MEMORY_UNKNOWN);
	for (unsigned i = 0; i < 4; i++) /* a fifth of three is less than one: one goes all the same */
		tls_memory_bad(host->memory, key_of(i), 1000, GNUTLS_A_UNKNOWN_CA, &why);
	assert_int_equal(tls_credentials_memory(host).rejected, 3);
	assert_int_equal(asked(host->memory, 0, 1001), TLS_MEMORY_UNKNOWN);
	assert_int_equal(asked(host->memory, 1, 1059), TLS_MEMORY_BAD);
	assert_int_equal(asked(host->memory, 1, 1060), TLS_MEMORY_UNKNOWN);
	tls_credentials_free(&host);
}

/* GnuTLS reads the time through this: validity follows the wall clock, not the moment of connecting. */
static time_t in_a_year(time_t *out)
{
	time_t then = time(NULL) + 365 * 86400; /* test */

	if (out)
		*out = then;
	return then;
}

static void looks_again_at_a_live_peer(void **state)
{
	struct tls_credentials *a = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	struct tls_credentials *b = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	struct pair pair;

	(void)state;
	pair_start(&pair, a, a);
	pair_connect(&pair);
	pair_run(&pair, pair_both_up);
	tls_credentials_free(&a); /* the sessions keep it */
	assert_true(connection_recheck(pair.server.connection, b));
	gnutls_global_set_time_function(in_a_year);
	assert_false(connection_recheck(pair.server.connection, b));
	gnutls_global_set_time_function(time);
	pair_run(&pair, pair_both_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_TLS_OURS);
	assert_non_null(strstr(pair.server.words, "expired"));
	assert_int_equal(pair.client.end, CONNECTION_END_PEER);
	pair_stop(&pair);
	tls_credentials_free(&b);
}

/* Where a bad certificate ends nothing, the one who looks again learns that it is no proof any more. */
static void learns_that_a_live_peer_is_no_longer_good(void **state)
{
	struct tls_credentials *a = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_XMPP, false);
	struct tls_credentials *b = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_XMPP, false);
	struct pair pair;

	(void)state;
	pair_start(&pair, a, a);
	pair_connect(&pair);
	pair_run(&pair, pair_both_up);
	tls_credentials_free(&a);
	assert_true(connection_recheck(pair.server.connection, b));
	assert_true(connection_peer(pair.server.connection)->is_trusted);
	gnutls_global_set_time_function(in_a_year);
	assert_true(connection_recheck(pair.server.connection, b));
	gnutls_global_set_time_function(time);
	assert_false(connection_peer(pair.server.connection)->is_trusted);
	assert_non_null(strstr(connection_peer(pair.server.connection)->doubt, "expired"));
	assert_int_equal(connection_state(pair.server.connection), CONNECTION_UP);
	connection_close(pair.client.connection, CONNECTION_END_DRAIN, NULL);
	pair_run(&pair, pair_both_closed);
	pair_stop(&pair);
	tls_credentials_free(&b);
}

static int start_zoo(void **state)
{
	(void)state;
	zoo_start(&zoo);
	return 0;
}

static int stop_zoo(void **state)
{
	(void)state;
	zoo_stop(&zoo);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_exactly_the_nine_suites),
		cmocka_unit_test(says_which_file_is_wrong),
		cmocka_unit_test(refuses_a_crl_of_a_stranger),
		cmocka_unit_test(reads_names_for_display),
		cmocka_unit_test(lets_in_who_should_be),
		cmocka_unit_test(refuses_a_client_without_certificate),
		cmocka_unit_test(looks_again_at_a_live_peer),
		cmocka_unit_test(learns_that_a_live_peer_is_no_longer_good),
		cmocka_unit_test(shows_the_certificate_that_is_asked_for),
		cmocka_unit_test(refuses_a_further_certificate_that_is_none),
		cmocka_unit_test(remembers_good_and_bad_certificates_until_something_changes),
		cmocka_unit_test(forgets_the_oldest_share_when_full_and_all_in_time),
	};

	return cmocka_run_group_tests(tests, start_zoo, stop_zoo);
}
