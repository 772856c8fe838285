"""A secret is in nothing that a project leaves or says, however hard its own code tries: grep finds no canary."""

import os
import sqlite3
import subprocess
import sys
from base64 import b64encode
from contextlib import closing
from importlib.util import find_spec
from urllib.parse import quote

from headwater.app.initialise import initialise
from headwater.cli.ending import ended
from headwater.diagnostics import conceal

CANARY = "c4nary/of:Headw@ter+0123456789"
WRITTEN = {CANARY, quote(CANARY), quote(CANARY, safe=""), b64encode(CANARY.encode()).decode().rstrip("="), CANARY.encode().hex()}  # fmt: skip

PARROT = """
import base64, os, sys
from urllib.parse import quote
import headwater as hw
import pyarrow as pa

@hw.model(kind="full", inputs={"orders": "orders"}, columns={"n": "bigint"})
def NAME(orders: pa.Table) -> pa.Table:
    said = os.environ["SHOP_CANARY"]
    for form in (said, quote(said), base64.b64encode(said.encode()).decode(), said.encode().hex()):
        print("out", form)
        print("err", form, file=sys.stderr)
    BODY
    return pa.table({"n": [orders.num_rows]})
"""
CAUSED = """try:
        raise KeyError(said)
    except KeyError as problem:
        raise OSError('no') from problem"""
ENDINGS = {
    "raises": "raise ValueError(f'refused: {said}')",
    "raises_because_of_something_else": CAUSED,
    "raises_a_narrow_frame": "raise ValueError(__import__('textwrap').fill(said, 7))",
    "raises_a_connection": "raise OSError('no route to postgresql://bob:' + quote(said, safe='') + '@db/shop')",
    "returns_what_is_no_table": "return said",
    "ends_its_process": "sys.exit(said)",
    "kills_its_process": "print(said, flush=True); os.kill(os.getpid(), 9)",
    "talks_without_an_end": "print((said + ' ') * 4000)",
}
if find_spec("polars"):
    ENDINGS["raises_a_frame"] = "raise ValueError(__import__('polars').DataFrame({'key': [said], 'n': [1]}))"
if find_spec("pandas"):
    ENDINGS["raises_another_frame"] = "raise ValueError(__import__('pandas').DataFrame({'key': [said], 'n': [1]}))"


class Shop:
    """A project whose settings refer to the canary, and the command line as processes of their own."""

    def __init__(self, root):
        self.root = root
        initialise(root, "minimal", name="shop")
        with closing(sqlite3.connect(root / "till.db")) as database, database:
            database.execute("CREATE TABLE till (id INTEGER, note TEXT)")
            database.execute("INSERT INTO till VALUES (1, 'a')")
        (root / "sources" / "till.yaml").write_text(
            "sources:\n  till:\n    connector: sqlite\n    path: till.db\n    table: till\n"
            "    where: note <> '${env:SHOP_CANARY}'\n    columns: {id: bigint, note: text}\n"
        )
        (root / "models" / "tills.sql").write_text("SELECT id, note FROM till\n")
        (root / "sinks").mkdir()
        (root / "sinks" / "out.yaml").write_text(
            "sinks:\n  out: {from: sales, connector: sqlite, path: 'no/such/${env:SHOP_CANARY}/x.db', table: t, mode: replace, in: [dev]}\n"
        )

    def model(self, name, body):
        (self.root / "models" / f"{name}.py").write_text(PARROT.replace("BODY", body).replace("NAME", name))

    def __call__(self, *arguments):
        environment = {**os.environ, "SHOP_CANARY": CANARY}
        command = [sys.executable, "-m", "headwater", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, env=environment, check=False, timeout=120)
        return done.stdout + done.stderr

    def left(self):
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


def test_no_canary_is_in_what_is_said_or_left(tmp_path):
    shop = Shop(tmp_path / "shop")
    shop.model("ends_well", "pass")
    said = {"plan": shop("plan", "--out", "x.plan"), "apply": shop("apply", "--verbose"), "run": shop("run")}
    said["log"] = shop("logs", "--level", "debug")
    for name, body in ENDINGS.items():
        shop.model(name, body)
    said |= {"failing": shop("apply", "--verbose"), "failing again": shop("apply", "--json")}
    asked = ("logs --level debug", "logs --json --level debug", "runs --json", "top --once", "history --json")
    said |= {name: shop(*name.split()) for name in asked}
    everything = {**said, **shop.left()}
    assert [where for where, text in everything.items() if any(form.encode() in text for form in WRITTEN)] == []
    unsaid = [name for name in ENDINGS if f"{name}".encode() not in said["logs --level debug"]]
    assert unsaid == [], "each of them has said something, and the log tells what"
    assert said["logs --level debug"].count(b"${env:SHOP_CANARY}") > 4 * len(ENDINGS)


def test_a_defect_of_ours_says_and_keeps_no_canary(tmp_path, capsys, monkeypatch):
    conceal.learn(CANARY, "${env:SHOP_CANARY}")
    initialise(tmp_path, "minimal", name="shop")
    monkeypatch.chdir(tmp_path)

    def fail():
        raise RuntimeError(CANARY)

    assert ended(fail, []) == 5
    kept = [path.read_text() for path in (tmp_path / ".headwater").glob("internal-error-*")]
    assert kept
    assert all("SHOP_CANARY" in text and CANARY not in text for text in kept)
    ended(fail, ["--verbose"])
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err
