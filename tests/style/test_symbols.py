"""Every external name is defined once.  Linking from an archive would take the first and say nothing,
so a function of the console could run inside the daemon."""
import subprocess
from collections import Counter
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ARCHIVE = TOP / "build/release/libparley.a"


def test_no_external_name_is_defined_twice():
    assert ARCHIVE.exists(), "make programs first"
    out = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", ARCHIVE], check=True,
                         capture_output=True, text=True).stdout
    names = Counter(line.split()[0] for line in out.splitlines() if len(line.split()) >= 2)
    assert len(names) > 300
    assert not [name for name, count in names.items() if count > 1]
