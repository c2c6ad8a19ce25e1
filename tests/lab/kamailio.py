"""The two real SIP servers of the lab: contoso.example's pool and the partner fabrikam.example."""
import shutil
from pathlib import Path

from lab.process import wait_until, tail, LabError

HERE = Path(__file__).parent / "kamailio"
TABLES = Path("/usr/share/kamailio/dbtext/kamailio")


def start(ledger, folder, name, domain, address, edge, certificate, trust, remote=False):
    """
    Starts kamailio/NAME.cfg.  `edge` is the name the TLS neighbour's certificate must
    carry (Kamailio verifies chains by itself, names only in its script).  `remote`: it registers users outside.
    """
    folder = Path(folder) / name
    tables, run = folder / "tables", folder / "run"
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier start in the same lab: nothing of it is remembered
    tables.mkdir(parents=True)
    run.mkdir()
    for table in ("version", "presentity", "active_watchers", "watchers", "xcap"):
        shutil.copy(TABLES / table, tables / table)
    words = {"COMMON": folder / "common.cfg", "TLS": folder / "tls.cfg", "DB": tables, "DOMAIN": domain,
             "ADDRESS": address, "EDGE": edge, "CERTIFICATE": certificate.chain, "KEY": certificate.key, "TRUST": trust}
    for source, target in (("common.cfg", "common.cfg"), (f"{name}.cfg", "kamailio.cfg"), ("tls.cfg", "tls.cfg")):
        text = (HERE / source).read_text()
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        (folder / target).write_text(text)
    # Debian's build uses its debugging allocator unless told otherwise: six times slower.
    process = ledger.start(name, ["kamailio", "-DD", "-E", "-x", "fm", "-X", "fm", "-m", "512", "-M", "16",
                                  "-f", folder / "kamailio.cfg", "-Y", run, "-w", run, *(["-A", "REMOTE_USERS"] if remote else [])])
    try:
        wait_until(lambda: _listens(ledger, address), 20, f"{name} (Kamailio) listens", process.is_running)
    except LabError as error:
        raise LabError(f"{error}\n{tail(process.log)}") from None
    return process


def _listens(ledger, address):
    answer = ledger.run(["ss", "-Hltn", "src", f"{address}:5061"])
    return address in answer.stdout
