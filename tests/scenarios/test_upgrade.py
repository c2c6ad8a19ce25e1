"""What an earlier Parley wrote is read: a store, its archive and conf.d in which a setting stands that is none any more."""
import itertools
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from bare import NOBODY, Bare
from lab.process import tail

NUMBERS = itertools.count(1)
# Written by the parleyd of commit 41067a1, the last that had max-first-words: version 2 set it, 3 came after.
STORE = Path(__file__).parent / "stores/max-first-words.tar.xz"


@pytest.fixture
def upgraded(lab):
    daemon = Bare(lab.folder / f"upgraded-{next(NUMBERS)}")
    with tarfile.open(STORE) as old:
        old.extractall(daemon.root)
    if os.geteuid() == 0:
        for folder, _, files in os.walk(daemon.root):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield daemon.start()
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)
    shutil.rmtree(daemon.root, ignore_errors=True)


def retired(daemon):
    return [(e["file"], e["object"], e["field"]) for e in daemon.events() if e["event"] == "config-retired"]


def test_a_setting_that_is_none_any_more_is_dropped_and_said(upgraded):
    document = upgraded.conf / "xmpp-partners.xml"
    row = ("xmpp-partners.xml", "xmpp-gateway", "max-first-words")

    assert upgraded.status()["version"] == 3
    assert retired(upgraded) == [row]
    client = upgraded.client()
    assert client.result("xmpp-gateway.show")["fields"]["waiting-timeout"] == 25
    assert "max-first-words" not in document.read_text() and "<waiting-timeout>25" in document.read_text()
    assert not [e for e in upgraded.events() if e["event"] in ("config-refused", "service-exited")]

    # The archive: what stood in it then is shown and can be gone back to.
    assert client.result("version.show", number="2")["version"] == 2
    assert client.result("version.restore", number="2")["version"] == 4

    # Whoever still has it in a document of his is told by the check, and hindered by nothing.
    client.result("config.upload", name="xmpp-partners.xml", last=True, text=document.read_text().replace("</xmpp-gateway>", "<max-first-words>7</max-first-words></xmpp-gateway>").replace(">25<", ">26<"))
    checked = client.result("config.check", uploaded=True)
    assert checked["problems"] == [] and [w["field"] for w in checked["warnings"]] == ["max-first-words"]
    assert client.result("config.import", uploaded=True)["version"] == 5
    assert retired(upgraded) == [row, row]
    client.close()

    # With the next version it is gone for good.
    assert upgraded.stop() == 0
    upgraded.start()
    assert upgraded.status()["version"] == 5 and retired(upgraded) == []
