#!/usr/bin/python3
"""A daemon made of answers: the control protocol over a unix socket, JSON lines.

    daemon.py SOCKET [--log FILE] [--role ROLE] [--rows N] [--hostile] [--deny VERB] [--slow VERB=SECONDS]

Every request is written to the log as one JSON line, so a test can see what
reached the daemon and what did not.
"""
import argparse
import asyncio
import fnmatch
import json
import os
import sys
import time

VERBS = {
    "viewer": ["hello", "status", "domain.list", "domain.show", "access-edge.show", "policy.show", "topology.show",
               "connection.list", "discovered.list", "why", "event.tail", "config.check", "config.export", "version.list", "model.kinds",
               "xmpp.list", "xmpp.show", "xmpp-gateway.show", "stage.list", "stage.diff", "plan", "version.show", "version.diff", "audit.list", "service.list"],
    "operator": ["connection.retry", "connection.close", "connection.drain", "service.start", "service.stop", "service.drain", "service.restart"],
    "policy": ["domain.allow", "domain.block", "domain.remove", "access-edge.set", "policy.set", "xmpp.add", "xmpp.set", "xmpp.remove", "xmpp.enable",
               "xmpp.disable", "stage.drop", "stage.clear", "stage.rebase", "publish", "undo", "confirm", "revert", "version.restore"],
    "administrator": ["config.import", "site.new", "edge-pool.new", "edge.new", "pool.new", "pool-member.new"],
}
ROLES = ["viewer", "helpdesk", "operator", "policy", "administrator"]
START = 1_767_225_600_000  # 2026-01-01 00:00 UTC


def may_call(role):
    granted = ROLES[: ROLES.index(role) + 1]
    return [verb for r in granted for verb in VERBS.get(r, [])]


class Refusal(Exception):
    def __init__(self, code, message, problems=None, rpc=-32000):
        super().__init__(message)
        self.error = {"code": rpc, "message": message, "data": {"code": code}}
        if problems:
            self.error["data"]["problems"] = problems


class Early(Exception):
    """An answer that changes nothing: a dry run, or a change that was only staged."""

    def __init__(self, result):
        super().__init__()
        self.result = result


class Daemon:
    def __init__(self, options):
        self.options = options
        self.version = 118
        self.uploads = {}
        self.staged = []  # (method, params, changes)
        self.confirm = None
        self.service, self.drained = "running", 0
        self.xmpp = {"jabber.adatum.example": self.partner("jabber.adatum.example"),
                     "chat.woodgrove.example": {**self.partner("chat.woodgrove.example"), "enabled": False}}
        self.switches = {"allow-federated-users": True, "enable-partner-discovery": False,
                         "allow-outside-users": True, "allow-anonymous-users": False, "discovered-partner-standard-rate": 20}
        self.domains = {}
        for name, rule, proxy, state, connections, rate, error, comment in [
                ("adatum.example", "allow", "", "up", 2, 0.4, "", "contract 2291"),
                ("blueyonder.example", "block", "", "-", 0, 0, "", "abuse"),
                ("fabrikam.example", "allow", "sip.fabrikam.example", "up", 3, 14.2, "", "Ken Myer, noc@fabrikam.example"),
                ("litware.example", "allow", "", "up", 1, 4.4, "", ""),
                ("proseware.example", "allow", "edge.proseware.example", "down", 0, 0,
                 "certificate names sip.proseware-old.example", "asked them on Monday"),
                ("tailspin.example", "allow", "", "up", 1, 0.3, "", ""),
                ("wingtip.example", "block", "", "-", 0, 0, "", "")]:
            self.domains[name] = self.row(name, rule, proxy, state, connections, rate, error, comment)
        for i in range(options.rows):
            name = f"partner{i:05d}.example"
            self.domains[name] = self.row(name, "allow", "", "-", 0, 0, "", "")
        if options.hostile:
            for name, comment in [("evil\x1b[2J\x1b]0;title\x07.example", "\u202eevil"), ("wide-\u7db2\u57df.example", "\u738b\u5c0f\u660e"),
                                  ("combining-e\u0301\u0301\u0301\u0301.example", "zero\u200bwidth"), ("c1-\u009b31m.example", "")]:
                self.domains[name] = self.row(name, "allow", "", "up", 0, 0, "", comment)

    @staticmethod
    def row(name, rule, proxy="", state="-", connections=0, rate=0.0, error="", comment=""):
        return {"domain": name, "rule": rule, "proxy-fqdn": proxy, "proxy-port": 5061, "identity": "auto",
                "comment": comment, "state": state, "connections": connections, "rate": rate, "last_error": error,
                "version": 93}

    # ---- reading ----
    def hello(self, params, session):
        session["mode"] = params.get("mode", "rw")
        return {"protocol": 1, "server": "parleyd 0.1", "node": "edge1.contoso.example", "user": "chen",
                "role": self.options.role, "mode": session["mode"], "version": self.version,
                "verbs": may_call(self.options.role)}

    def status(self, params, session):
        allowed = sum(d["rule"] == "allow" for d in self.domains.values())
        wave = [i % 13 for i in range(60)]
        return {"node": "edge1.contoso.example", "server": "parleyd 0.1", "started": START, "version": self.version,
                "published": {"time": START + 1000, "author": "lin", "comment": "woodgrove signed"},
                "switches": self.switches, "confirm_version": self.confirm[0] if self.confirm else 0,
                "confirm_until": self.confirm[1] if self.confirm else 0,
                "services": [{"name": "access", "state": "running", "why": "", "since": START, "pid": 4711, "restarts": 0,
                              "version": self.version, "next_start": None}],
                "traffic": {"in_rate": 12.0, "out_rate": 11.5, "refused_per_min": 3, "in_total": 12345,
                            "out_total": 12001, "refused_total": 17, "malformed_total": 2, "turned_away_total": 0, "connections": 7,
                            "discovered": 1, "unidentified": 2,
                            "transactions": 21, "history": {"in": wave, "out": wave[::-1], "refused": [0] * 50 + [1] * 10}},
                "domains": {"allowed": allowed, "blocked": len(self.domains) - allowed, "up": 4},
                "steps": {"blocked-domain": 12, "known-domain": 5},
                "attention": [{"time": START + 5000, "severity": "warning", "source": "access",
                               "text": "proseware.example: certificate names sip.proseware-old.example"},
                              {"time": START + 1000, "severity": "notice", "source": "config",
                               "text": "v118 published by lin: 1 change"}]}

    def matches(self, row, text):
        for term in text.split():
            negated, term = term.startswith("!"), term.lstrip("!")
            if term.startswith("rule:"):
                holds = row["rule"] == term[5:]
            elif term.startswith("state:"):
                holds = row["state"] == term[6:]
            elif term.startswith("domain:"):
                holds = fnmatch.fnmatchcase(row["domain"], term[7:])
            else:
                holds = term in row["domain"] or term in row["comment"]
            if holds == negated:
                return False
        return True

    def domain_list(self, params, session):
        rows = [self.domains[n] for n in sorted(self.domains) if self.matches(self.domains[n], params.get("filter", ""))]
        after, limit = params.get("after", ""), min(params.get("limit", 500), 200)
        page = [r for r in rows if r["domain"] > after][:limit]
        more = bool(page) and page[-1]["domain"] != rows[-1]["domain"]
        return {"rows": page, "total": len(rows), "next": page[-1]["domain"] if more else None, "version": self.version}

    def topology_show(self, params, session):
        nodes = [(0, "topology", "contoso.example"), (1, "site", "Redmond"), (2, "edge-pool", "edges.contoso.example"), (3, "edge", "edge1.contoso.example"),
                 (2, "pool", "pool.contoso.example"), (3, "pool-member", "fe1.contoso.example")]
        tree = [{"depth": depth, "kind": kind, "name": name, "state": "", "note": ""} for depth, kind, name in nodes]
        return {"tree": tree, "total": len(tree), "next": None, "version": self.version}

    def connection(self, partner):
        return {"id": "c-12", "partner": partner, "side": "external", "direction": "in", "state": "up", "auth": "mtls",
                "tls": "TLS1.3", "address": "192.0.2.14:41822", "since": START, "rate": 1.5, "messages_in": 152301,
                "messages_out": 139440, "bytes_in": 41_200_000, "bytes_out": 38_800_000, "queued": 0,
                "certificate": "CN=sip." + partner, "rule": "allowed-domain", "last_error": ""}

    def domain_show(self, params, session):
        row = self.domains.get(params.get("domain"))
        if row is None:
            raise Refusal("not-found", f"{params.get('domain')} is on neither list")
        fields = {k: row[k] for k in ("domain", "comment")}
        if row["rule"] == "allow":
            fields |= {"proxy-fqdn": row["proxy-fqdn"], "proxy-port": row["proxy-port"], "identity": row["identity"], "mark-for-monitoring": False}
        return {**row, "version": self.version, "fields": fields, "connections_list": [self.connection(row["domain"])] * min(row["connections"], 3),
                "last_error_in": None, "last_error_out": None, "counts": {"in": 152301, "out": 139440, "refused": 3}}

    def connection_list(self, params, session):
        up = [{**self.connection(name), "id": f"c-{12 + i}", "partner": f"sip.{name}", "rate": rate, "domains": [name]}
              for i, (name, rate) in enumerate([("adatum.example", 0.4), ("fabrikam.example", 14.2), ("litware.example", 4.4)])
              if self.domains.get(name, {}).get("rule") == "allow"]
        failed = {**self.connection("proseware.example"), "id": "-", "partner": "edge.proseware.example", "direction": "out",
                  "state": "failed", "auth": "-", "tls": "", "rate": 0, "certificate": "", "rule": "",
                  "messages_in": 0, "messages_out": 0, "domains": [], "last_error": "certificate names sip.proseware-old.example"}
        return {"rows": [*up, failed], "total": len(up) + 1, "next": None, "live": ""}

    def discovered_list(self, params, session):
        rows = [{"domain": name, "domains": [name], "state": state, "requests": 120, "limited": limited, "contacts": 7, "contacts_limit": 1000,
                 "first_seen": START, "last_seen": START + 9000, "certificate": "edge." + name, "address": "192.0.2.77:5061", "last_limit": why}
                for name, state, limited, why in [("humongous.example", "limited", 31, "rate"), ("woodgrove.example", "ok", 0, "")]
                if name not in self.domains]
        return {"rows": rows, "total": len(rows), "next": None, "live": ""}

    def why(self, params, session):
        remote = params["from"].split("@")[-1]
        steps = [{"number": 1, "name": "federation-switch", "asks": "", "result": "pass", "words": "switched on", "kind": "access-edge", "key": "", "field": "allow-federated-users"}]
        blocked = self.domains.get(remote, {}).get("rule") == "block"
        steps.append({"number": 2, "name": "blocked-domain", "asks": "", "result": "refuse" if blocked else "pass",
                      "words": f"{remote} is {'' if blocked else 'not '}on the block list", "kind": "blocked-domain", "key": remote, "field": ""})
        return {"answer": "refuse" if blocked else "pass", "step": 2 if blocked else 0, "name": "blocked-domain" if blocked else "",
                "status": 403, "diagnostic": 30001, "words": f"{remote} is blocked" if blocked else "", "steps": steps,
                "change": f"domain allow {remote}" if blocked else "", "version": self.version,
                "assumed": ["certificate matches"]}

    def event_tail(self, params, session):
        session["follows"] = params.get("follow", False)
        return {"events": [{"event": "service-started", "time": START, "service": "access", "pid": 4711,
                            "sentence": "access runs as process 4711"},
                           {"event": "request-refused", "time": START + 9000, "direction": "in", "method": "MESSAGE", "from": "dan@wingtip.example",
                            "to": "eve@contoso.example", "domain": "wingtip.example", "step": "blocked-domain", "status": 403,
                            "why": "on the block list", "version": self.version, "connection": "c-19",
                            "sentence": "MESSAGE dan@wingtip.example -> eve@contoso.example refused at blocked-domain (403): on the block list"}]}

    def access_edge_show(self, params, session):
        return {"kind": "access-edge", "key": "", "fields": self.switches, "version": self.version}

    def version_list(self, params, session):
        return {"versions": [{"version": v, "time": START - (self.version - v) * 86_400_000, "author": "lin", "comment": f"change {v}", "changes": 1}
                             for v in range(self.version, self.version - 5, -1)]}

    # ---- changing ----
    def published(self, params, session, changes):
        if session.get("mode") == "ro":
            raise Refusal("denied", "this session is read-only")
        if params.get("dry_run"):
            raise Early({"dry_run": True, "version": self.version, "closing": 0, "changes": changes,
                         "sentences": ["0 connections would close", "2 domains and 14 users would lose federation"]})
        if params.get("stage"):
            self.staged += [(self.method, {k: v for k, v in params.items() if k != "stage"}, changes)]
            raise Early({"version": self.version, "applied": True, "staged": True, "changes": changes, "note": ""})
        expected = params.get("if_version")
        if expected is not None and expected != self.version:
            raise Refusal("conflict", f"the configuration is version {self.version}, not {expected}")
        if changes:
            self.version += 1
            turned_off = any(c.get("after") is False and c["field"].startswith("allow-") for c in changes)
            if params.get("confirm_within") == "auto" and turned_off:
                self.confirm = (self.version, int(time.time() * 1000) + 300_000)
        return {"version": self.version, "applied": True, "changes": changes, "note": ""}

    def ruled(self, name, params, rule):
        if not name or ".." in name or " " in name:
            raise Refusal("invalid", "1 problem", [{"path": "domain", "why": "empty label", "allowed": "a domain name"}])
        if name == "refused.example":
            raise Refusal("invalid", "allowed-domain refused.example: domain not today; allowed: another name",
                          [{"path": "domain", "why": "not today", "allowed": "another name"}])
        before = self.domains.get(name)
        row = dict(before) if before else self.row(name, rule)
        row["rule"] = rule
        if rule == "block":
            row["state"], row["connections"], row["rate"], row["proxy-fqdn"] = "-", 0, 0, ""
        row.update(params.get("set", {}))
        return row, [] if before == row else [{"what": "changed" if before else "added", "kind": f"{rule}ed-domain",
                                               "key": name, "field": "", "before": "", "after": ""}]

    def set_rule(self, params, session, rule):
        names = params.get("domain", "")
        made = [self.ruled(name, params, rule) for name in (names if isinstance(names, list) else [names])]
        answer = self.published(params, session, [change for _, changes in made for change in changes])
        self.domains.update({row["domain"]: row for row, _ in made})
        return answer

    def domain_allow(self, params, session):
        return self.set_rule(params, session, "allow")

    def domain_block(self, params, session):
        return self.set_rule(params, session, "block")

    def domain_remove(self, params, session):
        names = params.get("domain")
        names = names if isinstance(names, list) else [names]
        for name in names:
            if name not in self.domains:
                raise Refusal("not-found", f"{name} is on neither list")
        answer = self.published(params, session, [{"what": "removed", "kind": "allowed-domain", "key": name} for name in names])
        for name in names:
            del self.domains[name]
        return answer

    def access_edge_set(self, params, session):
        changes = [{"what": "changed", "kind": "access-edge", "key": "", "field": f, "before": self.switches.get(f), "after": v}
                   for f, v in params.get("set", {}).items() if self.switches.get(f) != v]
        answer = self.published(params, session, changes)
        self.switches.update(params.get("set", {}))
        return {**answer, "applied": not self.options.unapplied}

    # ---- staged ----
    def stage_list(self, params, session):
        changes = [c for _, _, changes in self.staged for c in changes]
        return {"base": 118, "version": self.version, "since": START, "total": len(changes), "changes": changes, "problems": [],
                "others": [{"who": "wang", "login": "", "base": 118, "since": START}]}

    def stage_diff(self, params, session):
        return {**self.stage_list(params, session), "conflicts": []}

    def stage_drop(self, params, session):
        del self.staged[int(params["change"]) - 1]
        return self.stage_list(params, session)

    def stage_clear(self, params, session):
        self.staged = []
        return self.stage_list(params, session)

    def plan(self, params, session):
        return {"dry_run": True, "version": self.version, "base": 118, "conflicts": [], "closing": 2, "changes": [],
                "sentences": ["2 connections would close", "1 domain and 3 users would lose federation"]}

    def publish(self, params, session):
        if params.get("dry_run"):
            return self.plan(params, session)
        staged, self.staged = self.staged, []
        before = self.version
        for self.method, arguments, _ in staged:
            getattr(self, self.method.replace(".", "_").replace("-", "_"))(arguments, session)
        self.version = before + 1
        return {"version": self.version, "applied": True, "changes": [c for _, _, changes in staged for c in changes], "note": ""}

    def undo(self, params, session):
        return self.published(params, session, [{"what": "removed", "kind": "allowed-domain", "key": "woodgrove.example", "field": ""}])

    def revert(self, params, session):
        answer = self.published(params, session, [{"what": "changed", "kind": "access-edge", "key": "", "field": "allow-federated-users"}])
        self.confirm = None
        return answer

    def confirm_now(self, params, session):
        version, self.confirm = self.confirm[0], None
        return {"version": version}

    def version_show(self, params, session):
        return {"version": params["number"], "time": START, "author": "lin", "comment": "woodgrove", "current": False, "total": 1,
                "changes": [{"what": "added", "kind": "allowed-domain", "key": "woodgrove.example", "field": "", "before": None, "after": None}]}

    def version_diff(self, params, session):
        return {**self.version_show({"number": params["from"]}, session), "from": params["from"], "to": params.get("to", self.version)}

    def version_restore(self, params, session):
        return self.published(params, session, [{"what": "removed", "kind": "allowed-domain", "key": "woodgrove.example", "field": ""}])

    def audit_list(self, params, session):
        return {"rows": [{"number": 8 - i, "time": "2026-01-01T13:40:06Z", "who": "lin", "roles": "administrator", "login": "lin", "address": "192.0.2.4",
                          "verb": "domain.allow", "object": "woodgrove.example", "command": "domain allow woodgrove.example", "outcome": outcome,
                          "version": 118} for i, outcome in enumerate(["done", "asked"])], "next": "", "total": 8}

    def connection_retry(self, params, session):
        return {"partner": params["partner"], "retried": 1}

    def connection_close(self, params, session):
        if not params["connection"].startswith("c-"):
            raise Refusal("invalid", "it is no connection's id, as `connection list` shows it")
        return {"done": "close", "count": 1}

    def connection_drain(self, params, session):
        return {**self.connection_close(params, session), "done": "drain"}

    # ---- services ----
    def service_list(self, params, session):
        left = max(0, 20 - 4 * self.drained) if self.service == "draining" else 20
        self.drained += 1
        if self.service == "draining" and not left:
            self.service = "stopped"
        listener = {"side": "external", "address": "0.0.0.0:5061", "state": "listening", "why": ""}
        return {"rows": [{"name": "access", "state": self.service, "why": "", "detail": "", "since": START, "pid": 4711, "restarts": 0,
                          "version": self.version, "next_start": None, "connections": 7, "transactions": left if self.service != "stopped" else 0,
                          "drain_ends": int(time.time() * 1000) + 25_000 if self.service == "draining" else None, "starts_again": False,
                          "listeners": [listener]},
                         {"name": "keeper", "state": "running", "why": "", "detail": "it carries this session", "since": START, "pid": 4710,
                          "restarts": None, "version": self.version, "connections": 1, "transactions": 0}], "total": 2}

    def service_change(self, params, session, state):
        if params["service"] == "keeper":
            raise Refusal("invalid", "keeper carries this session: stop parleyd instead")
        self.service, self.drained = state, 0
        return self.service_list(params, session)

    def service_start(self, params, session):
        return self.service_change(params, session, "running")

    def service_stop(self, params, session):
        return self.service_change(params, session, "stopped")

    def service_drain(self, params, session):
        return self.service_change(params, session, "draining")

    # ---- XMPP ----
    @staticmethod
    def partner(domain):
        return {"domain": domain, "enabled": True, "additional-domains": [], "description": "", "partner-type": "federated", "tls-negotiation": "required",
                "sasl-negotiation": "optional", "support-dialback-negotiation": True, "enable-keep-alive": True, "connection-limit": 0, "proxy-fqdn": "",
                "proxy-port": 5269, "im-mode": "pool", "max-message-body": 65536, "verdict": "certificate or dialback, over TLS"}

    def xmpp_list(self, params, session):
        return {"rows": [self.xmpp[d] for d in sorted(self.xmpp)], "total": len(self.xmpp), "next": None, "version": self.version}

    def xmpp_show(self, params, session):
        row = self.xmpp[params["domain"]]
        return {"kind": "xmpp-partner", "key": row["domain"], "fields": {k: v for k, v in row.items() if k != "verdict"}, "verdict": row["verdict"],
                "version": self.version}

    def xmpp_change(self, params, session, fields):
        before = self.xmpp.get(params["domain"], self.partner(params["domain"]))
        answer = self.published(params, session, [{"what": "changed", "kind": "xmpp-partner", "key": params["domain"], "field": f, "before": before.get(f),
                                                   "after": v} for f, v in fields.items()] or [{"what": "added", "kind": "xmpp-partner", "key": params["domain"], "field": ""}])
        self.xmpp[params["domain"]] = {**before, **fields}
        return answer

    def xmpp_add(self, params, session):
        return self.xmpp_change(params, session, params.get("set", {}))

    def xmpp_set(self, params, session):
        return self.xmpp_change(params, session, params.get("set", {}))

    def xmpp_enable(self, params, session):
        return self.xmpp_change(params, session, {"enabled": True})

    def xmpp_disable(self, params, session):
        return self.xmpp_change(params, session, {"enabled": False})

    # ---- documents ----
    def config_upload(self, params, session):
        self.uploads[params["name"]] = self.uploads.get(params["name"], "") + params["text"]
        return {}

    def config_check(self, params, session):
        problems = [{"file": n, "line": 3, "field": "proxy-port", "why": "not a number", "allowed": "1 to 65535"}
                    for n, t in sorted(self.uploads.items()) if "BAD" in t]
        return {"documents": len(self.uploads), "problems": problems, "changes": 2}

    def config_import(self, params, session):
        return self.published(params, session, [{"what": "added", "kind": "allowed-domain", "key": "x.example"}])

    def config_export(self, params, session):
        text = "<sip-domains version=\"118\">\n" + "<allowed-domain/>\n" * 3000 + "</sip-domains>\n"
        if "document" not in params:
            return {"version": self.version, "documents": [{"name": "sip-domains.xml", "bytes": len(text)}]}
        offset = params.get("offset", 0)
        piece = text[offset:offset + 32768]
        return {"version": self.version, "name": params["document"], "text": piece,
                "next": offset + len(piece) if offset + len(piece) < len(text) else None}

    # ---- the wire ----
    def answer(self, request, session):
        method = request.get("method", "")
        self.method = method
        handler = getattr(self, {"confirm": "confirm_now"}.get(method, method.replace(".", "_").replace("-", "_")), None)
        if handler is None or method.startswith("_"):
            raise Refusal("unknown-verb", f"there is no verb {method}", rpc=-32601)
        if method != "config.upload" and (method not in may_call(self.options.role) or method in self.options.deny):
            raise Refusal("denied", f"{method} is not permitted to {self.options.role}")
        return handler(request.get("params", {}), session)

    async def serve(self, reader, writer):
        session = {}
        while line := await reader.readline():
            request = json.loads(line)
            if self.options.log:
                with open(self.options.log, "a", encoding="utf-8") as log:
                    log.write(json.dumps(request) + "\n")
            for rule in self.options.slow:
                verb, seconds = rule.split("=")
                if request.get("method") == verb:
                    await asyncio.sleep(float(seconds))
            reply = {"jsonrpc": "2.0", "id": request.get("id")}
            try:
                reply["result"] = self.answer(request, session)
            except Early as early:
                reply["result"] = early.result
            except Refusal as refusal:
                reply["error"] = refusal.error
            writer.write((json.dumps(reply) + "\n").encode())
            if session.get("follows", False):  # one event after each answer, so that a test decides when it comes
                event = {"event": "connection-up", "time": int(time.time() * 1000), "direction": "in", "side": "external",
                         "partner": "fabrikam.example", "address": "192.0.2.14", "tls": "TLS1.3", "certificate": "ok"}
                writer.write((json.dumps({"jsonrpc": "2.0", "method": "event", "params": event}) + "\n").encode())
            await writer.drain()
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--log")
    parser.add_argument("--role", default="administrator", choices=ROLES)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--unapplied", action="store_true")
    parser.add_argument("--deny", action="append", default=[])
    parser.add_argument("--slow", action="append", default=[])
    options = parser.parse_args()
    daemon = Daemon(options)
    if os.path.exists(options.socket):
        os.unlink(options.socket)
    server = await asyncio.start_unix_server(daemon.serve, options.socket, limit=1 << 17)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
