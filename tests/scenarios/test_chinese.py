"""The console and the command line in Traditional Chinese, against the real daemon: one of the main tasks, and who gets English."""
import os
import subprocess

import pytest

from test_changes import bare  # noqa: F401  (bare: a daemon alone)
from test_real_console import Screen, ask

pytestmark = pytest.mark.short


def says(words, daemon=None, **environment):
    """What parley prints to whom has these variables set."""
    command = [os.environ["PARLEY"], *(["--root", str(daemon.root)] if daemon else []), *words]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "LANGUAGE", "TERM")}
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", env={**clean, "TERM": "xterm", **environment})
    return ran.stdout + ran.stderr


def test_a_domain_is_allowed_on_chinese_screens(bare, tmp_path):  # noqa: F811
    screen = Screen(bare, tmp_path, language="zh_TW")
    try:
        screen.wait("需要注意", "同盟", "選單")
        screen.keys("g", "d")
        screen.wait("SIP 同盟網域", "沒有網域")
        screen.keys("n")
        screen.wait("新增: 允許的網域")
        screen.type("fabrikam..example")
        screen.keys("Tab")
        screen.wait("有空白的標籤")
        screen.keys("BTab", "C-u")
        screen.type("fabrikam.example")
        screen.keys("Enter")
        screen.wait("現在發行嗎", "模擬執行: ")
        screen.keys("y")
        screen.wait(r"v\d+ 已發行: domain allow fabrikam.example", r">  fabrikam.example +允許")
        assert ask(bare, "domain", "show", "fabrikam.example")["rule"] == "allow"
        screen.keys("c")
        screen.wait(">  註解")
        screen.type("王小明的合約")
        screen.keys("Left", "Left", "BSpace")  # the cursor goes by characters, two cells each
        screen.wait(r">\* 註解 +王小明合約")
        screen.keys("Enter")  # a note asks nothing
        screen.wait("附註: 王小明合約")
        assert ask(bare, "domain", "show", "fabrikam.example")["comment"] == "王小明合約"
    finally:
        screen.close()


def test_what_the_daemon_says_is_translated_and_json_is_not(bare):  # noqa: F811
    chinese = {"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_TW"}
    refused = says(["site", "show", "nowhere"], bare, **chinese)
    assert "沒有" in refused and "there is no" not in refused
    assert "there is no" in says(["site", "show", "nowhere"], bare, LC_ALL="C.UTF-8")


def test_help_is_chinese_where_it_can_be_shown(tmp_path):
    subprocess.run(["localedef", "--no-archive", "-i", "zh_TW", "-f", "UTF-8", str(tmp_path / "zh_TW.UTF-8")], capture_output=True)
    # Where LOCPATH is set the C library keeps the list it makes of it, and does not free it.
    (tmp_path / "suppressions").write_text("leak:argz_add_sep\n")
    taiwan = {"LOCPATH": str(tmp_path), "LC_ALL": "zh_TW.UTF-8", "LSAN_OPTIONS": f"suppressions={tmp_path / 'suppressions'}:print_suppressions=0"}
    cases = [({"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_TW"}, True), (taiwan, True), ({**taiwan, "LANGUAGE": "en"}, False),
             ({"LC_ALL": "C", "LANGUAGE": "zh_TW"}, False), ({"LC_ALL": "C.UTF-8"}, False),
             # The Linux console has no Chinese font; who has another program on it says so.
             ({**taiwan, "TERM": "linux"}, False), ({**taiwan, "TERM": "linux", "LANGUAGE": "zh_TW"}, True)]
    for environment, is_chinese in cases:
        shown = says(["help", "domain", "allow"], **environment)
        assert ("與 SIP 網域同盟" in shown) == is_chinese, environment
        assert ("Federate with a SIP domain" in shown) != is_chinese, environment
        assert "domain allow DOMAIN" in shown and "proxy-fqdn=" in shown
        assert is_chinese or shown.isascii(), environment
