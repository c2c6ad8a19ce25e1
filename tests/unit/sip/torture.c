/*
 * torture: a message of every class in RFC 4475 and RFC 5118, written anew from
 * their descriptions for a stream (with a Content-Length, and our own names).
 * Sound ones must be accepted and survive being written; each bad one has its
 * one answer.  Where an edge is stricter than a user agent need be, the row says STRICTER.
 */
#include "tests/unit/sip/sample.h"

#define VIA              "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bKkdjuw\r\n"
#define FROM             "From: sip:caller@example.net;tag=33242\r\n"
#define TO               "To: sip:j.user@example.com\r\n"
#define IDS              "Max-Forwards: 70\r\nCall-ID: torture.0ha0isnda977644900765@192.0.2.15\r\n"
#define COMMON           VIA FROM TO IDS
#define EMPTY            "Content-Length: 0\r\n\r\n"
#define SDP              "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
#define OPTIONS(headers) "OPTIONS sip:user@example.com SIP/2.0\r\n" COMMON "CSeq: 8 OPTIONS\r\n" headers EMPTY

enum {
	ACCEPTED = 0,
	WAITS = 1,
	BREAKS = 2
}; /* others: the status of the answer; a response is dropped with it */

static const struct {
	const char *section, *behaviour;
	struct slice bytes;
	int verdict;
} rows[] = {
	/* ---- RFC 4475 §3.1.1: valid ---- */
	{ "4475 3.1.1.1", "short_tortuous_invite",
	  SLICE("INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
	        "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
	        "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = "
	        "98asjd8\r\n"
	        "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 5\r\ncseq: "
	        "0009\r\n  INVITE\r\n"
	        "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
	        "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
	        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
	        "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
	        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
	        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
	        "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n"
	        "  secondparam ; q = 0.33\r\n\r\nv=0\r\n"),
	  ACCEPTED },
	{ "4475 3.1.1.2", "wide_range_of_valid_characters",
	  SLICE("!interesting-Method0123456789_*+`.%indeed'~ "
	        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
	        ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com "
	        "SIP/2.0\r\nVia: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
	        "To: \"BEL and NUL left out\" "
	        "<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
	        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
	        ";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\";tag=_token~1'+`*%!-.\r\n"
	        "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
	        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\nMax-Forwards: 255\r\n"
	        "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb\r\n" EMPTY),
	  ACCEPTED },
	/* STRICTER: escaped by a backslash or not, control bytes are read differently from reader to reader. */
	{ "4475 3.1.1.2", "wide_range_with_bel_and_del_in_quotes",
	  SLICE(OPTIONS("Contact: \"BEL:\\\x07 DEL:\\\x7f\" <sip:a@h>\r\n")), 400 },
	{ "4475 3.1.1.2", "wide_range_with_nul_in_quotes",
	  SLICE(OPTIONS("Contact: \"NUL:\\\0\" <sip:a@h>\r\n")), BREAKS },
	{ "4475 3.1.1.3", "valid_percent_escaping",
	  SLICE("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\r\nTo: sip:%75se%72@example.com\r\n"
	        "From: <sip:I%20have%20spaces@example.net>;tag=938\r\n" VIA IDS "CSeq: 234234 INVITE\r\n"
	        "Contact:\r\n <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>\r\n" SDP),
	  ACCEPTED },
	{ "4475 3.1.1.4", "escaped_nuls_in_uris",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\nTo: sip:null-%00-null@example.com\r\n"
	        "From: sip:null-%00-null@example.com;tag=839923423\r\n" VIA IDS "CSeq: 14398234 REGISTER\r\n"
	        "Contact: <sip:%00@host5.example.com>\r\nContact: "
	        "<sip:%00%00@host5.example.com>\r\nL:0\r\n\r\n"),
	  ACCEPTED },
	{ "4475 3.1.1.5", "percent_that_is_no_escape",
	  SLICE("RE%47IST%45R sip:registrar.example.com SIP/2.0\r\nTo: \"%Z%45\" "
	        "<sip:resource@example.com>\r\n"
	        "From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\r\n" VIA IDS
	        "CSeq: 29344 RE%47IST%45R\r\n"
	        "Contact: <sip:alias1@host1.example.com>\r\nC%6Fntact: <sip:alias2@host2.example.com>\r\n"
	        "Contact: <sip:alias3@host3.example.com>\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.1.1.6", "no_blank_between_name_and_bracket",
	  SLICE("OPTIONS sip:user@example.com SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: "
	        "caller<sip:caller@example.com>;tag=323\r\n" VIA IDS "CSeq: 60 OPTIONS\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.1.1.7", "long_values",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n"
	        "To: \"I have a user name of extreme proportion proportion proportion proportion proportion "
	        "proportion "
	        "proportion proportion\" "
	        "<sip:user@example.com:6000;unknownparam1=verylonglonglonglonglonglonglonglonglonglong"
	        "longlonglonglonglonglonglonglonglongvalue;longparamnamenamenamenamenamenamenamenamename="
	        "shortvalue;"
	        "verylonglonglonglonglonglonglonglongparameternamewithnovalue>\r\n"
	        "F: "
	        "sip:amazinglylongcallernameamazinglylongcallernameamazinglylongcallername@example.net;tag="
	        "12982424;"
	        "unknownheaderparamnamenamenamenamenamename=unknowheaderparamvaluevaluevaluevaluevalue;"
	        "unknownValuelessparamnameparamnameparamnameparamnameparamname\r\n"
	        "Call-ID: "
	        "longreq.onereallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallylongcallid\r\n"
	        "CSeq: 3882340 INVITE\r\n"
	        "Unknown-LongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLong-Name: "
	        "unknown-longlonglonglonglong"
	        "longlonglonglonglonglonglonglonglong-value; unknown-longlonglonglong-parameter-name = "
	        "unknown-longlong-value\r\n"
	        "v: SIP/2.0/TCP sip3.example.com\r\nv: SIP/2.0/TCP "
	        "sip2.example.com;branch=z9hG4bKsomethinglongsomethinglong\r\n"
	        "Max-Forwards: 70\r\nContact: "
	        "<sip:amazinglylongcallernameamazinglylongcallername@host5.example.net>\r\n" SDP),
	  ACCEPTED },
	{ "4475 3.1.1.8", "octets_behind_the_message",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 REGISTER\r\nContact: sip:j.user@host.example.com\r\n" EMPTY
	        "INVITE sip:joe@example.com SIP/2.0\r\nt: sip:joe"),
	  ACCEPTED },
	{ "4475 3.1.1.9", "semicolons_in_the_user_part",
	  SLICE("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\r\nTo: sip:j_user@example.com\r\n"
	        "From: sip:caller@example.org;tag=33242\r\n" VIA IDS "CSeq: 8 OPTIONS\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.1.1.10", "varied_transports",
	  SLICE("OPTIONS sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP "
	        "t1.example.com;branch=z9hG4bKkdjuw\r\n"
	        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\r\nVia: SIP/2.0/TLS "
	        "t3.example.com;branch=z9hG4bK2980unddj\r\n"
	        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\r\nVia: SIP/2.0/TCP "
	        "t5.example.com;branch=z9hG4bK0a9idfnee\r\n" FROM TO IDS "CSeq: 60 OPTIONS\r\nl: 0\r\n\r\n"),
	  ACCEPTED },
	{ "4475 3.1.1.11", "binary_multipart_body",
	  SLICE("MESSAGE sip:kumiko@example.org SIP/2.0\r\n" COMMON
	        "CSeq: 127 MESSAGE\r\nContent-Length: 74\r\n"
	        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\r\n\r\n"
	        "--7a9cbec02ceef655\r\nContent-Type: "
	        "a/b\r\n\r\n\x30\x82\0\r\n\n\r\xff\x01\x1b\x7f\r\n--7a9cbec02ceef655--"),
	  ACCEPTED },
	{ "4475 3.1.1.12", "unusual_reason_phrase",
	  SLICE("SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe - "
	        "\xd0\xbf\xd1\x80\xd0\xbe\r\n" COMMON
	        "CSeq: 35 INVITE\r\nContact: <sip:user@host198.example.com>\r\n" SDP),
	  ACCEPTED },
	{ "4475 3.1.1.13", "empty_reason_phrase",
	  SLICE("SIP/2.0 100 \r\n" COMMON "CSeq: 35 INVITE\r\n" EMPTY), ACCEPTED },

	/* ---- RFC 4475 §3.1.2: invalid ---- */
	{ "4475 3.1.2.1", "extra_separators_in_via",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n" FROM TO IDS "CSeq: 8 INVITE\r\n"
	        "Via: SIP/2.0/TCP 192.0.2.15;;,;,,\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.1", "extra_separators_in_contact",
	  SLICE(OPTIONS("Contact: \"Joe\" <sip:joe@example.org>;;;;\r\n")), 400 },
	{ "4475 3.1.2.2", "length_larger_than_what_came",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 INVITE\r\nContent-Type: application/sdp\r\n"
	        "Content-Length: 9999\r\n\r\nv=0\r\n"),
	  WAITS },
	{ "4475 3.1.2.3", "negative_length",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 INVITE\r\nContent-Length: -999\r\n\r\n"),
	  BREAKS },
	{ "4475 3.1.2.4", "cseq_too_large",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON
	        "CSeq: 36893488147419103232 REGISTER\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.4", "max_forwards_too_large",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" VIA FROM TO
	        "Max-Forwards: 300\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.4", "expires_too_large", SLICE(OPTIONS("Expires: 10000000000000000000000\r\n")), 400 },
	{ "4475 3.1.2.5", "response_with_a_cseq_too_large",
	  SLICE("SIP/2.0 503 Service Unavailable\r\n" COMMON "CSeq: 9292394834772304023312 OPTIONS\r\n"
	        "Retry-After: 949302838503028349304023988\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.6", "open_quote_in_a_display_name",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\nTo: \"Mr. J. User <sip:j.user@example.com>\r\n" VIA
	                FROM IDS "CSeq: 8 INVITE\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.7", "brackets_around_the_request_uri",
	  SLICE("INVITE <sip:user@example.com> SIP/2.0\r\n" COMMON "CSeq: 1 INVITE\r\n" EMPTY), 400 },
	{ "4475 3.1.2.8", "blank_within_the_request_uri",
	  SLICE("INVITE sip:user@example.com; lr SIP/2.0\r\n" COMMON "CSeq: 1 INVITE\r\n" EMPTY), 400 },
	{ "4475 3.1.2.9", "several_blanks_in_the_request_line",
	  SLICE("INVITE  sip:user@example.com  SIP/2.0\r\n" COMMON "CSeq: 1 INVITE\r\n" EMPTY), 400 },
	{ "4475 3.1.2.10", "blanks_behind_the_request_line",
	  SLICE("OPTIONS sip:remote-target@example.com SIP/2.0  \r\n" COMMON "CSeq: 1 OPTIONS\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.11", "escaped_headers_in_the_request_uri",
	  SLICE("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\r\n" COMMON
	        "CSeq: 1 INVITE\r\n" EMPTY),
	  400 },
	/* A proxy does not read Date (§16.3: what it need not understand it leaves alone). */
	{ "4475 3.1.2.12", "date_of_another_zone", SLICE(OPTIONS("Date: Fri, 01 Jan 2010 16:00:00 EST\r\n")),
	  ACCEPTED },
	{ "4475 3.1.2.13", "bare_contact_with_headers",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON "CSeq: 1 REGISTER\r\n"
	        "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\r\n" EMPTY),
	  400 },
	/* STRICTER: a lenient reader would skip the blanks. */
	{ "4475 3.1.2.14", "blanks_within_an_addr_spec",
	  SLICE("OPTIONS sip:user@example.org SIP/2.0\r\nTo: \"Watson, Thomas\" < sip:t.watson@example.org "
	        ">\r\n" VIA FROM IDS "CSeq: 2 OPTIONS\r\n" EMPTY),
	  400 },
	/* STRICTER: a lenient reader would quote it. */
	{ "4475 3.1.2.15", "comma_in_an_unquoted_display_name",
	  SLICE("OPTIONS sip:t.watson@example.org SIP/2.0\r\nFrom: Bell, Alexander "
	        "<sip:a.g.bell@example.com>;tag=43\r\n" VIA TO IDS "CSeq: 2 OPTIONS\r\n" EMPTY),
	  400 },
	{ "4475 3.1.2.16", "unknown_protocol_version",
	  SLICE("OPTIONS sip:t.watson@example.org SIP/7.0\r\nVia: SIP/7.0/UDP "
	        "c.example.com;branch=z9hG4bKkdjuw\r\n" FROM TO IDS "CSeq: 2 OPTIONS\r\n" EMPTY),
	  505 },
	{ "4475 3.1.2.17", "method_and_cseq_differ",
	  SLICE("OPTIONS sip:user@example.com SIP/2.0\r\n" COMMON "CSeq: 8 INVITE\r\n" EMPTY), 400 },
	{ "4475 3.1.2.18", "unknown_method_and_cseq_differ",
	  SLICE("NEWMETHOD sip:user@example.com SIP/2.0\r\n" COMMON "CSeq: 8 INVITE\r\n" EMPTY), 400 },
	{ "4475 3.1.2.19", "overlarge_status",
	  SLICE("SIP/2.0 4294967301 better not break the receiver\r\n" COMMON "CSeq: 2 INVITE\r\n" EMPTY),
	  400 },

	/* ---- RFC 4475 §3.2 and §3.3 ---- */
	{ "4475 3.2.1", "branch_without_identifier",
	  SLICE("OPTIONS sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\n" FROM
	                TO IDS "CSeq: 8 OPTIONS\r\n" EMPTY),
	  400 },
	{ "4475 3.3.1", "required_headers_missing",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\nCSeq: 193942 INVITE\r\nVia: SIP/2.0/UDP "
	        "192.0.2.95;branch=z9hG4bKkdj.insuf\r\n" SDP),
	  400 },
	{ "4475 3.3.2", "request_uri_of_unknown_scheme",
	  SLICE("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\r\n" COMMON
	        "CSeq: 3923 OPTIONS\r\n" EMPTY),
	  416 },
	{ "4475 3.3.3", "request_uri_of_a_foreign_scheme",
	  SLICE("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" COMMON "CSeq: 3923 OPTIONS\r\n" EMPTY),
	  416 },
	{ "4475 3.3.4", "unknown_schemes_in_headers",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\nTo: isbn:2983792873\r\nFrom: "
	        "<http://www.example.com>;tag=3234233\r\n" VIA IDS
	        "CSeq: 23234 REGISTER\r\nContact: <name:John_Smith>\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.3.5", "proxy_require_of_the_unknown",
	  SLICE(OPTIONS("Require: nothingSupportsThis, nothingSupportsThisEither\r\n"
	                "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\n")),
	  420 },
	{ "4475 3.3.6", "unknown_content_type",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 INVITE\r\nContent-Type: application/unknownformat\r\n"
	        "Content-Length: 7\r\n\r\n<audio>"),
	  ACCEPTED },
	{ "4475 3.3.7", "unknown_authorization_scheme",
	  SLICE(OPTIONS("Authorization: NoOneKnowsThisScheme opaque-data=here\r\n")), ACCEPTED },
	{ "4475 3.3.8", "several_of_what_stands_once",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\n" COMMON
	        "CSeq: 5 INVITE\r\nCSeq: 59 INVITE\r\nCall-ID: other\r\n"
	        "From: sip:other@example.net;tag=2\r\nTo: sip:other@example.com\r\nMax-Forwards: "
	        "5\r\n" EMPTY),
	  400 },
	{ "4475 3.3.9", "several_lengths",
	  SLICE("OPTIONS sip:user@example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 OPTIONS\r\nContent-Length: 13\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
	  BREAKS },
	{ "4475 3.3.10", "response_for_a_broadcast_address",
	  SLICE("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
	        "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\n" FROM TO
	        "Call-ID: bcast\r\nCSeq: 1 INVITE\r\n" EMPTY),
	  400 },
	{ "4475 3.3.11", "no_forwards_left",
	  SLICE("MESSAGE sip:user@example.com SIP/2.0\r\n" VIA FROM TO
	        "Max-Forwards: 0\r\nCall-ID: zeromf\r\nCSeq: 8 MESSAGE\r\n" EMPTY),
	  483 },
	{ "4475 3.3.12", "contact_with_a_parameter",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 REGISTER\r\nContact: sip:+19725552222@gw1.example.net;unknownparam\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.3.13", "contact_with_a_uri_parameter",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON
	        "CSeq: 8 REGISTER\r\nContact: <sip:+19725552222@gw1.example.net;unknownparam>\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.3.14", "contact_with_headers_in_its_uri",
	  SLICE("REGISTER sip:example.com SIP/2.0\r\n" COMMON "CSeq: 8 REGISTER\r\nContact: "
	        "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>\r\n" EMPTY),
	  ACCEPTED },
	{ "4475 3.3.15", "accept_nobody_can_meet", SLICE(OPTIONS("Accept: text/nobodyKnowsThis\r\n")),
	  ACCEPTED },
	{ "4475 3.4.1", "invite_of_rfc_2543",
	  SLICE("INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
	        "From: <sip:+13035551111@ift.client.example.net;user=phone>\r\n"
	        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\nTo: "
	        "sip:+16505552222@ss1.example.net;user=phone\r\n"
	        "Call-ID: inv2543.1717@ift.client.example.com\r\nCSeq: 56 INVITE\r\n" SDP),
	  ACCEPTED },

	/* ---- RFC 5118 ---- */
	{ "5118 4.1", "ipv6_request_uri",
	  SLICE("REGISTER sip:[2001:db8::10] SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: "
	        "sip:user@example.com;tag=81x2\r\n"
	        "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\r\nCall-ID: "
	        "SSG9559905523997077@hlau_4100\r\nMax-Forwards: 70\r\n"
	        "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\r\nCSeq: 98176 REGISTER\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.2", "ipv6_without_brackets",
	  SLICE("REGISTER sip:2001:db8::10 SIP/2.0\r\n" COMMON "CSeq: 98176 REGISTER\r\n" EMPTY), 400 },
	{ "5118 4.3", "port_within_the_brackets",
	  SLICE("REGISTER sip:[2001:db8::10:5070] SIP/2.0\r\n" COMMON "CSeq: 98176 REGISTER\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.4", "port_behind_the_brackets",
	  SLICE("REGISTER sip:[2001:db8::10]:5070 SIP/2.0\r\n" COMMON "CSeq: 98176 REGISTER\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.5", "received_with_brackets",
	  SLICE("BYE sip:[2001:db8::10] SIP/2.0\r\nVia: SIP/2.0/UDP "
	        "[2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111\r\n" FROM TO IDS
	        "CSeq: 321 BYE\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.5", "received_without_brackets",
	  SLICE("OPTIONS sip:[2001:db8::10] SIP/2.0\r\nVia: SIP/2.0/UDP "
	        "[2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3\r\n" FROM TO IDS
	        "CSeq: 921 OPTIONS\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.6", "ipv6_in_sdp",
	  SLICE("INVITE sip:user@[2001:db8::10] SIP/2.0\r\n" COMMON
	        "CSeq: 8612 INVITE\r\nContact: \"Caller\" <sip:caller@[2001:db8::20]>\r\n"
	        "Content-Type: application/sdp\r\nContent-Length: 25\r\n\r\nc=IN IP6 2001:db8::20\r\n\r\n"),
	  ACCEPTED },
	{ "5118 4.7", "both_families_in_headers",
	  SLICE("BYE sip:user@host.example.net SIP/2.0\r\nVia: SIP/2.0/UDP "
	        "[2001:db8::9:1]:6050;branch=z9hG4bKas3-111\r\n"
	        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\r\n"
	        "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\r\n" FROM TO IDS
	        "CSeq: 89187 BYE\r\n" EMPTY),
	  ACCEPTED },
	{ "5118 4.8", "both_families_in_sdp",
	  SLICE("INVITE sip:user@[2001:db8::10] SIP/2.0\r\n" COMMON
	        "CSeq: 8912 INVITE\r\nContent-Type: application/sdp\r\n"
	        "Content-Length: 40\r\n\r\nc=IN IP4 192.0.2.1\r\nc=IN IP6 2001:db8::1"),
	  ACCEPTED },
	{ "5118 4.9", "mapped_addresses",
	  SLICE("INVITE sip:user@example.com SIP/2.0\r\nVia: SIP/2.0/UDP "
	        "[::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19\r\n"
	        "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\r\n" FROM TO IDS
	        "CSeq: 8912 INVITE\r\n"
	        "Contact: \"T. Watson\" <sip:[::ffff:192.0.2.2]>\r\n" SDP),
	  ACCEPTED },
	/* STRICTER: RFC 5954 §4.1 took the third colon out of the grammar again. */
	{ "5118 4.10", "three_colons",
	  SLICE("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0\r\n" COMMON "CSeq: 8912 OPTIONS\r\n" EMPTY),
	  400 },
	{ "5118 4.10", "two_colons",
	  SLICE("OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0\r\n" COMMON "CSeq: 8912 OPTIONS\r\n" EMPTY),
	  ACCEPTED },

	/* STRICTER than RFC 3261 §7.5 would let a datagram receiver be: see the decision in the framer. */
	{ "4475", "bare_lf_between_lines", SLICE("OPTIONS sip:user@example.com SIP/2.0\nTo: sip:a@h\n\n"),
	  BREAKS },
};

/* Writing what was read and reading that again loses nothing and settles at once. */
static void assert_survives(const struct sip_message *m)
{
	struct buffer once, twice;
	struct parsed again;

	buffer_start(&once, 65536);
	buffer_start(&twice, 65536);
	assert_true(sip_message_write(m, NULL, &once));
	parsed_start(&again, buffer_slice(&once));
	assert_int_equal(again.answer, SIP_PARSE_OK);
	assert_true(slice_equal(m->target, again.message.target));
	assert_true(slice_equal(m->phrase, again.message.phrase));
	assert_int_equal(m->status, again.message.status);
	assert_true(slice_equal(m->from.all, again.message.from.all));
	assert_true(slice_equal(m->from.tag, again.message.from.tag));
	assert_true(slice_equal(m->to.all, again.message.to.all));
	assert_true(slice_equal(m->via.all, again.message.via.all));
	assert_true(slice_equal(m->body, again.message.body));
	assert_true(sip_message_write(&again.message, NULL, &twice));
	assert_true(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
	parsed_stop(&again);
	buffer_stop(&twice);
	buffer_stop(&once);
}

static void each_torture_message_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(rows[i].bytes);
		struct sip_framer framer = { .body_max = SIP_BODY_MAX };
		struct sip_fault fault = { 0 };
		size_t length;
		enum sip_frame frame = sip_framer_next(&framer, guard.bytes, &length, &fault);
		int verdict = frame == SIP_FRAME_MORE ? WAITS : BREAKS;

		print_message("torture %s %s\n", rows[i].section, rows[i].behaviour);
		if (frame == SIP_FRAME_MESSAGE) {
			struct parsed p;

			verdict = sample_verdict(slice_first(guard.bytes, length));
			if (verdict == ACCEPTED) {
				bool has_more = slice_equal(slice_of(rows[i].behaviour),
				                            SLICE("octets_behind_the_message"));

				assert_int_equal(length < guard.bytes.len, has_more);
				parsed_start(&p, slice_first(guard.bytes, length));
				assert_survives(&p.message);
				parsed_stop(&p);
			}
		}
		assert_int_equal(verdict, rows[i].verdict);
		guard_free(&guard);
	}
}

/* Every request that is refused and named its transaction can be answered. */
static void refused_requests_can_be_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parsed p;
		struct buffer out;

		if (rows[i].verdict < 400 || slice_starts(rows[i].bytes, SLICE("SIP/2.0")))
			continue;
		parsed_start(&p, rows[i].bytes);
		buffer_start(&out, 8192);
		bool has_all = sip_message_header(&p.message, SIP_VIA) &&
		               sip_message_header(&p.message, SIP_FROM) &&
		               sip_message_header(&p.message, SIP_TO) &&
		               sip_message_header(&p.message, SIP_CALL_ID) &&
		               sip_message_header(&p.message, SIP_CSEQ);
		assert_int_equal(sip_reply_write(&p.message, rows[i].verdict, SLICE_NONE, SLICE("t"),
		                                 SLICE_NONE, &out),
		                 has_all);
		buffer_stop(&out);
		parsed_stop(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_torture_message_gets_its_answer),
		cmocka_unit_test(refused_requests_can_be_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
