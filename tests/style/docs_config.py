"""docs/CONFIG.md from shared/model/kinds.def.

`/usr/bin/python3 tests/style/docs_config.py` writes it; test_docs_config.py
fails when the page and the rows differ."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ROWS = TOP / "shared/model/kinds.def"
PAGE = TOP / "docs/CONFIG.md"

KIND_CELLS = ("id", "NAME", "name", "document", "cardinality", "lync", "sentence")
FIELD_CELLS = ("kind", "name", "type", "flags", "preset", "min", "max", "unit", "choices", "lync", "sentence")


def cells(line):
    """The arguments of one row: texts without their quotes, words as they are."""
    inside = line[line.index("(") + 1:line.rstrip().rindex(")")]
    return [re.sub(r"\\(.)", r"\1", m.group(1)) if m.group(1) is not None else m.group(2).strip()
            for m in re.finditer(r'"((?:\\.|[^"\\])*)"|([^,"]+)(?=,|$)', inside) if m.group(0).strip()]


def kinds():
    """[kind, with its fields], in the order of the rows."""
    found = []
    for line in re.sub(r"/\*.*?\*/", "", ROWS.read_text(), flags=re.S).splitlines():
        if line.startswith("KIND("):
            found.append({**dict(zip(KIND_CELLS, cells(line), strict=True)), "fields": []})
        elif line.startswith("FIELD("):
            field = dict(zip(FIELD_CELLS, cells(line), strict=True))
            assert field["kind"] == found[-1]["id"], line
            found[-1]["fields"].append({**field, "name": field["name"].replace("_", "-")})
    return found


ITEMS = {"DOMAINS": "domain names", "FQDNS": "host names", "ADDRESSES": "addresses", "PREFIXES": "prefixes"}
TYPES = {"DOMAIN": "a domain name", "FQDN": "a host name", "PATH": "a path", "ADDRESS": "an address", "PREFIX": "a prefix", "SIP_USER": "a SIP address"}


def value(field):
    kind, low, high = field["type"], int(field["min"]), int(field["max"])
    if kind == "BOOL":
        return "`true` or `false`"
    if kind == "NUMBER":
        return f"{low} to {high}" + (f" {field['unit']}" if field["unit"] else "")
    if kind == "ENUM":
        return ", ".join(f"`{choice}`" for choice in field["choices"].split("|"))
    if kind == "TEXT":
        return f"text, {low} to {high} bytes" if low else f"text, at most {high} bytes"
    if kind == "CHOICES":
        return f"{low} to {high} of " + ", ".join(f"`{choice}`" for choice in field["choices"].split("|"))
    if kind in ITEMS:
        return f"{low} to {high} {ITEMS[kind]}" if low else f"at most {high} {ITEMS[kind]}"
    return TYPES[kind] + (" or nothing" if low == 0 else "")


def default(field):
    if "KEY" in field["flags"]:
        return "the key"
    if "REQUIRED" in field["flags"]:
        return "required"
    return f"`{field['preset']}`" if field["preset"] else "nothing"


HEAD = """# The configuration

Written from `shared/model/kinds.def` by `make docs-tables`.

The store below `/var/lib/parley/store` is the truth; the XML documents of `/etc/parley/conf.d` are its readable mirror and its import. Edit a
document and send SIGHUP (`systemctl reload parleyd`), or run `parley config import`: what is wrong is refused whole, with file, line, field and what
is allowed; what is right is published as a numbered version. `parley config check DIR` checks documents and changes nothing. Every publish, from the command line or the console too,
writes the documents anew in one form. `/etc/parley/host.xml` belongs to one machine: it is read at start and has no versions.

```xml
<?xml version="1.0" encoding="UTF-8"?>
<parley document="topology" schema="1" version="12">
  <topology>
    <sip-domains>contoso.example contoso.net</sip-domains>
  </topology>
  <!-- kept with the object that follows -->
  <edge fqdn="edge1.contoso.example">
    <external-listen>192.0.2.10:5061</external-listen>
    <external-fqdn>sip.contoso.example</external-fqdn>
    <internal-listen>10.0.0.10</internal-listen>
  </edge>
</parley>
```

- `document` is the file's name without `.xml`. `version` is the version the document was edited from: when another has been published since, the
  document is refused as a conflict. A document written by hand may leave it out, and then replaces what is there.
- An object is an element named like its kind; its key is an attribute, every other field an element. What is at its default may be left out, and is
  left out when Parley writes.
- A document that is missing changes nothing; one that is empty removes its objects.
- Lists are items separated by blanks, commas or new lines. Domain names are kept in lower case; international ones may be written in their own script
  and are kept as A-labels. An address is `192.0.2.1`, `192.0.2.1:5061`, `2001:db8::1` or `[2001:db8::1]:5061`; a prefix is `10.0.0.0/8`. A path is absolute, or below `/etc/parley`. Text is one line.
- XML comments before or inside an object are kept with it. Document types, entities, processing instructions and namespaces are refused, and so is
  an element or attribute that is not in these tables.
- A document is at most 1 MiB, `sip-domains.xml` 32 MiB. Files and folder must belong to root or the daemon's user, and be writable by nobody else;
  links are refused.

Beside the tables: no domain is allowed and blocked, and none of our own is on either list; a certificate comes with the authorities to check the
other side by; an edge does not listen twice on one address and is not its own pool member; the only access policy is `Global`.
"""


def cell(text):
    return text.replace("|", "\\|")


def page():
    out, document = [HEAD], None
    for kind in kinds():
        if kind["document"] != document:
            document = kind["document"]
            out.append(f"\n## {document}")
        count = "Exactly one, always there" if kind["cardinality"] == "ONE" else "Any number"
        lync = f" In Lync: `{kind['lync']}`." if kind["lync"] else ""
        out += [f"\n### `{kind['name']}`\n", f"{kind['sentence']} {count}.{lync}\n",
                "| field | value | default | | in Lync |", "|---|---|---|---|---|"]
        for field in kind["fields"]:
            out.append(f"| `{field['name']}` | {cell(value(field))} | {cell(default(field))} | {cell(field['sentence'])} |"
                       f" {field['lync']} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.exit(0)
