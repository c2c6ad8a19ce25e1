/*
 * names: hosts compared, and which of them are ours.
 */
#include "daemon/sip/names.h"

#include <arpa/inet.h>

struct ip {
	int family;
	uint8_t bytes[16];
};

/* Addresses are compared as numbers: an IPv6 address has many spellings (RFC 5118 §4.10). */
static bool read_ip(struct slice text, struct ip *out)
{
	char name[INET6_ADDRSTRLEN + 1];

	*out = (struct ip){ 0 };
	if (!slice_to_text(text, name, sizeof name))
		return false;
	out->family = slice_find(text, ':') < text.len ? AF_INET6 : AF_INET;
	return inet_pton(out->family, name, out->bytes) == 1;
}

bool sip_host_is_same(struct slice a, struct slice b)
{
	struct ip one, two;

	if (a.len > 0 && a.ptr[a.len - 1] == '.')
		a.len--;
	return slice_equal_nocase(a, b) ||
	       (read_ip(a, &one) && read_ip(b, &two) && memcmp(&one, &two, sizeof one) == 0);
}

static bool is_our_host(const struct sip_side_names *names, struct slice host)
{
	if (names->fqdn.len > 0 && sip_host_is_same(host, names->fqdn))
		return true;
	for (size_t i = 0; i < names->address_count; i++)
		if (sip_host_is_same(host, names->addresses[i]))
			return true;
	return false;
}

bool sip_proxy_is_ours(const struct sip_proxy *proxy, enum sip_side side, const struct sip_uri *uri)
{
	const struct sip_side_names *names = &proxy->side[side];
	struct slice value;

	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return false;
	/* §16.4: maddr and transport say where to send it, and that is then not here. */
	if (sip_param(uri->params, SLICE("maddr"), &value) ||
	    (sip_param(uri->params, SLICE("transport"), &value) &&
	     !slice_equal_nocase(value, names->transport)))
		return false;
	return (uri->port == 0 || uri->port == names->port) && is_our_host(names, uri->host);
}

bool sip_via_is_ours(const struct sip_side_names *names, const struct sip_via *via)
{
	return names->fqdn.len > 0 && via->port == names->port && sip_host_is_same(via->host, names->fqdn);
}

/* RFC 4475 §3.1.2.16: a response for a broadcast or group address has been made up. */
bool sip_host_is_one(struct slice host)
{
	static const uint8_t unspecified[16], mapped[12] = { [10] = 0xff, [11] = 0xff }; /* RFC 4291 §2.5 */
	struct ip ip;
	const uint8_t *v4 = ip.bytes;

	if (!read_ip(host, &ip))
		return true;
	if (ip.family == AF_INET6 && memcmp(ip.bytes, mapped, sizeof mapped) == 0)
		v4 = ip.bytes + sizeof mapped;
	else if (ip.family == AF_INET6)
		return ip.bytes[0] != 0xff && memcmp(ip.bytes, unspecified, sizeof unspecified) != 0;
	return v4[0] != 0 && v4[0] < 224;
}
