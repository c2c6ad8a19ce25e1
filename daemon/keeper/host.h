/*
 * host: what belongs to this machine only (host.c), and the sides of this edge with the services that serve
 * them (sides.c).
 */
#ifndef DAEMON_KEEPER_HOST_H
#define DAEMON_KEEPER_HOST_H

#include "daemon/io/address.h"
#include "daemon/launcher/launcher.h"
#include "daemon/policy/policy.h"
#include "shared/base/json.h"

enum {
	KEEPER_NAME_BYTES = 256,
	KEEPER_PATH_BYTES = 1024,
	KEEPER_RESOLVERS_MAX = 8,
	KEEPER_CERTIFICATES_MAX = 16, /* of host.xml, beside the two of the sides */
	KEEPER_CERTIFICATE_NAME_BYTES = 65,
	KEEPER_SERVER_NAMES_BYTES = 1024,
};

struct keeper;
struct service_row;

/* ---- host.c ---- */
struct host_certificate {
	char name[KEEPER_CERTIFICATE_NAME_BYTES];
	char chain[KEEPER_NAME_BYTES], key[KEEPER_NAME_BYTES];
	char server_names[KEEPER_SERVER_NAMES_BYTES]; /* blanks between them */
};
struct host {
	char node[KEEPER_NAME_BYTES];
	char keeper_user[LAUNCHER_USER_BYTES], admin_group[LAUNCHER_USER_BYTES];
	char access_user[LAUNCHER_USER_BYTES], gateway_user[LAUNCHER_USER_BYTES];
	char external_key[KEEPER_PATH_BYTES], internal_key[KEEPER_PATH_BYTES], xmpp_key[KEEPER_PATH_BYTES];
	char remote_key[KEEPER_PATH_BYTES];
	char dialback_secret[KEEPER_PATH_BYTES];
	char resolvers[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES];
	size_t resolver_count;
	struct host_certificate certificates[KEEPER_CERTIFICATES_MAX];
	size_t certificate_count;
};
/* host.xml below `root`; without one: the defaults. INVALID says file, line and field. */
enum result host_read(const char *root, struct host *out, struct reason *reason);
/* The nameservers of a resolv.conf's text. Pure. */
size_t host_nameservers(struct slice text, char to[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES]);
/* CONFIGURE's payload for that service: it alone gets its secrets. */
void host_configuration(struct keeper *k, const struct service_row *service, struct buffer *out);

/* ---- sides.c: the sides of this edge and the services that serve them; one row each. Pure but for `prepare` ---- */
enum edge_side { SIDE_EXTERNAL, SIDE_INTERNAL, SIDE_XMPP, SIDE_REMOTE, SIDE_COUNT };
enum service_id { SERVICE_ACCESS, SERVICE_GATEWAY, SERVICE_COUNT };
const char *side_name(enum edge_side side); /* "external" */
bool side_is_of(enum edge_side side, enum service_id service);
/* Where a service is connected to: a side may have several places, which differ in how one begins there. */
enum edge_place { PLACE_EXTERNAL, PLACE_INTERNAL, PLACE_XMPP, PLACE_XMPP_TLS, PLACE_REMOTE, PLACE_COUNT };
const char *place_name(enum edge_place place); /* "xmpp-tls" */
uint16_t place_port(enum edge_place place);    /* where an address names none */
bool place_is_of(enum edge_place place, enum service_id service);
struct image_list place_listen(const struct image_edge *edge, enum edge_place place);
bool side_uses_tls(const struct image_edge *edge, enum edge_side side);
/* What a side shows and believes; "" where nothing is assigned.  The names of the fields are for people. */
struct side_files {
	const char *certificate, *key, *trust, *crls;
	const char *certificate_field, *key_field, *trust_field, *crls_field;
};
struct side_files side_files(const struct host *host, const struct policy_image *image,
                             const struct image_edge *edge, enum edge_side side);

struct service_row {
	enum service_id id;
	const char *name;  /* "gateway" */
	const char *title; /* "the XMPP gateway" */
	size_t user_at;    /* in struct host */
	const char *user_field;
	bool has_route;                                 /* the XMPP federation route leads to it */
	bool (*is_used)(const struct image_edge *edge); /* NULL: always */
	const char *unused; /* the state's word when it is not: "no XMPP address" */
	enum result (*prepare)(struct keeper *k,
	                       struct reason *why); /* what it needs beside; NULL: nothing */
	void (*put_secrets)(struct keeper *k, struct json_writer *w);
};
const struct service_row *service_row(enum service_id id);
const struct service_row *service_row_named(const char *name);
const char *service_user(const struct service_row *row, const struct host *host);
/* Does the configuration use it?  False: `short_why` and `why` say which field would. */
bool service_is_used(const struct service_row *row, const struct host *host, const struct policy_image *image,
                     const char **short_why, struct reason *why);
/*
 * Is everything assigned that it needs?  OK, or NOT_FOUND with file and field in `why` and the state's
 * word in `short_why`: "no certificate".
 */
enum result service_assigned(const struct service_row *row, const struct host *host,
                             const struct policy_image *image, const char **short_why, struct reason *why);

#endif
