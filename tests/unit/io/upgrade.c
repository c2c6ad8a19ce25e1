/*
 * From TCP to TLS in the same connection, and the boundary at which a certificate is weighed and not demanded;
 * what a certificate says of XMPP domains.
 */
#include "tests/unit/io/pair.h"
#include "tests/unit/io/zoo.h"

static struct zoo zoo;
static struct tls_credentials *server_credentials, *client_credentials;

static bool both_up_twice(struct pair *pair)
{
	return pair->client.up_count == 2 && pair->server.up_count == 2;
}
static bool any_closed(struct pair *pair) { return pair->client.is_closed || pair->server.is_closed; }
static bool server_heard(struct pair *pair) { return buffer_length(&pair->server.got) >= 5; }

static struct connection_settings upgrade_settings(struct tls_credentials *credentials)
{
	return (struct connection_settings){ .handshake_ms = 10000,
		                             .credentials = credentials,
		                             .server_name = "good.example" };
}

/* The server answers "go" to "tls" and upgrades; the client upgrades when it hears it. */
static void server_hears(struct side *side, struct buffer *in)
{
	struct connection_settings settings = upgrade_settings(server_credentials);

	if (side->up_count == 2) {
		buffer_add(&side->got, buffer_slice(in));
		buffer_clear(in);
		return;
	}
	if (buffer_length(in) < 3)
		return;
	buffer_consume(in, 3); /* what stands behind it stays */
	connection_send(side->connection, SLICE("go"));
	assert_true(connection_upgrade(side->connection, &settings));
	assert_false(connection_upgrade(side->connection, &settings));
}

static void client_hears(struct side *side, struct buffer *in)
{
	struct connection_settings settings = upgrade_settings(client_credentials);

	assert_true(slice_equal(buffer_slice(in), SLICE("go")));
	buffer_clear(in);
	assert_true(connection_upgrade(side->connection, &settings));
}

static void client_up(struct side *side)
{
	connection_send(side->connection, side->up_count == 1 ? SLICE("tls") : SLICE("hello"));
}

static void upgrades_in_place(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, NULL, NULL);
	pair.client.on_up = client_up;
	pair.client.on_received = client_hears;
	pair.server.on_received = server_hears;
	pair_connect(&pair);
	pair_run(&pair, both_up_twice);
	pair_run(&pair, server_heard);
	assert_true(slice_equal(buffer_slice(&pair.server.got), SLICE("hello")));
	assert_true(connection_peer(pair.client.connection)->is_trusted);
	assert_true(connection_peer(pair.server.connection)->is_trusted);
	assert_non_null(strstr(pair.client.suite, "TLS1.3"));
	pair_stop(&pair);
}

static void client_up_with_more(struct side *side)
{
	connection_send(side->connection, SLICE("tlsINJECTED"));
}

static void refuses_what_was_put_behind_the_last_word(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, NULL, NULL);
	pair.client.on_up = client_up_with_more;
	pair.client.on_received = client_hears;
	pair.server.on_received = server_hears;
	pair_connect(&pair);
	pair_run(&pair, any_closed);
	pair_run(&pair, pair_server_closed);
	assert_int_equal(pair.server.end, CONNECTION_END_PROTOCOL);
	assert_int_equal(buffer_length(&pair.server.got), 0);
	pair_stop(&pair);
}

static void ends_when_the_handshake_fails(void **state)
{
	struct tls_credentials *strict = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false),
	                       *kept = client_credentials,
	                       *rogue = zoo_credentials(&zoo, ZOO_ROGUE, ZOO_BOTH, TLS_XMPP, false),
	                       *kept_server = server_credentials;
	struct pair pair;

	(void)state;
	client_credentials = strict; /* demands a good certificate, and the server has none */
	server_credentials = rogue;
	pair_start(&pair, NULL, NULL);
	pair.client.on_up = client_up;
	pair.client.on_received = client_hears;
	pair.server.on_received = server_hears;
	pair_connect(&pair);
	pair_run(&pair, pair_both_closed);
	assert_int_equal(pair.client.end, CONNECTION_END_TLS_OURS);
	assert_int_equal(pair.server.end, CONNECTION_END_TLS_THEIRS);
	pair_stop(&pair);
	client_credentials = kept;
	server_credentials = kept_server;
	tls_credentials_free(&strict);
	tls_credentials_free(&rogue);
}

static const struct {
	const char *behaviour;
	enum zoo_flaw flaw;
	enum zoo_usage usage;
	bool shows_none, is_trusted;
} weighed[] = {
	{ "trusts_a_good_one", ZOO_GOOD, ZOO_SERVER, false, true },
	{ "goes_on_without_one", ZOO_GOOD, ZOO_SERVER, true, false },
	{ "goes_on_with_a_strangers", ZOO_ROGUE, ZOO_SERVER, false, false },
	{ "goes_on_with_its_own", ZOO_SELF, ZOO_SERVER, false, false },
	{ "goes_on_with_an_expired_one", ZOO_EXPIRED, ZOO_SERVER, false, false },
	{ "goes_on_with_one_for_clients_only", ZOO_GOOD, ZOO_CLIENT, false, false },
	{ "goes_on_with_a_revoked_one", ZOO_REVOKED, ZOO_SERVER, false, false },
};

static void weighs_a_certificate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof weighed / sizeof *weighed; i++) {
		struct tls_credentials *client = zoo_credentials(&zoo, weighed[i].flaw, weighed[i].usage,
		                                                 TLS_XMPP, weighed[i].shows_none);
		struct tls_credentials *server = zoo_credentials(&zoo, ZOO_GOOD, ZOO_SERVER, TLS_XMPP, false);
		const struct tls_peer *peer;
		struct pair pair;

		printf("  %s\n", weighed[i].behaviour);
		pair_start(&pair, client, server);
		pair_connect(&pair);
		pair_run(&pair, pair_both_up);
		peer = connection_peer(pair.server.connection);
		assert_int_equal(peer->is_trusted, weighed[i].is_trusted);
		assert_int_equal(peer->has_certificate, !weighed[i].shows_none);
		assert_int_equal(peer->doubt[0] != '\0', peer->has_certificate && !weighed[i].is_trusted);
		assert_true(connection_peer(pair.client.connection)->is_trusted);
		pair_stop(&pair);
		tls_credentials_free(&client);
		tls_credentials_free(&server);
	}
}

static void reads_names_of_xmpp(void **state)
{
	static const struct {
		const char *oid, *text;
		unsigned flags;
	} names[] = {
		{ "1.3.6.1.5.5.7.8.5", "northwind.example", GNUTLS_FSAN_ENCODE_UTF8_STRING },
		{ "1.3.6.1.5.5.7.8.5", "juliet@northwind.example",
		  GNUTLS_FSAN_ENCODE_UTF8_STRING }, /* a person */
		{ "1.3.6.1.5.5.7.8.7", "_xmpp-server.srv.example",
		  GNUTLS_FSAN_ENCODE_OCTET_STRING }, /* no string at all */
		{ "1.3.6.1.5.5.7.8.7", "_xmpp-client.client.example", GNUTLS_FSAN_ENCODE_UTF8_STRING },
		{ "1.3.6.1.5.5.7.8.7", "_XMPP-server.srv2.example", GNUTLS_FSAN_ENCODE_UTF8_STRING },
		{ "1.2.3.4", "other.example", GNUTLS_FSAN_ENCODE_UTF8_STRING },
	};
	struct zoo_pair leaf = { .key = zoo_p256() };
	struct tls_peer peer;
	struct arena arena;
	struct reason reason;
	gnutls_datum_t pem;

	(void)state;
	leaf.crt = zoo_blank(&zoo, leaf.key, "leaf", -1000, 1000);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		zoo_ok(gnutls_x509_crt_set_subject_alt_othername(leaf.crt, names[i].oid, names[i].text,
		                                                 (unsigned)strlen(names[i].text),
		                                                 names[i].flags | GNUTLS_FSAN_APPEND));
	zoo_ok(gnutls_x509_crt_sign2(leaf.crt, zoo.good_ca.crt, zoo.good_ca.key, GNUTLS_DIG_SHA256, 0));
	zoo_ok(gnutls_x509_crt_export2(leaf.crt, GNUTLS_X509_FMT_PEM, &pem));
	arena_start(&arena, 65536);
	assert_int_equal(tls_certificate_read(zoo_slice(pem), &arena, &peer, &reason), RESULT_OK);
	assert_int_equal(peer.xmpp_count, 2);
	assert_true(slice_equal(peer.xmpp[0], SLICE("northwind.example")));
	assert_true(slice_equal(peer.xmpp[1], SLICE("srv2.example")));
	arena_stop(&arena);
	gnutls_free(pem.data);
	zoo_pair_stop(&leaf);
}

static int start_all(void **state)
{
	(void)state;
	zoo_start(&zoo);
	server_credentials = zoo_credentials(&zoo, ZOO_GOOD, ZOO_SERVER, TLS_XMPP, false);
	client_credentials = zoo_credentials(&zoo, ZOO_GOOD, ZOO_SERVER, TLS_XMPP, false);
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	tls_credentials_free(&server_credentials);
	tls_credentials_free(&client_credentials);
	zoo_stop(&zoo);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upgrades_in_place),
		cmocka_unit_test(refuses_what_was_put_behind_the_last_word),
		cmocka_unit_test(ends_when_the_handshake_fails),
		cmocka_unit_test(weighs_a_certificate),
		cmocka_unit_test(reads_names_of_xmpp),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
