"""A project that is applied to dev, a command line, and the proof that a command has changed nothing."""

import shutil

import pytest

from headwater.app.initialise import initialise
from tests.cli.conftest import CommandLine

SALES = {"tea": 2, "coffee": 2, "cocoa": 1}


class Shop(CommandLine):
    """The minimal template, applied to dev: commands, and proof of what they leave alone."""

    def refuses(self, *arguments, code=1):
        """Run a command that must fail: give its errors, each with what a person needs; nothing has changed."""
        lake = sorted((self.root / ".headwater/lake").glob("main/sales/*/*"))
        before = self.served(lake)
        said = self("--json", *arguments)
        assert said.code == code, said
        assert "Traceback" not in said.everything
        assert self.served(lake) == before
        found = [each for each in said.document["diagnostics"] if each["severity"] == "error"]
        assert found
        for each in found:
            assert each["code"] != "HW0999", each
            assert each["message"], each
            assert each["hint"], each
        return found

    def refuses_files(self):
        """Check, plan and apply say the same, with file, line and column; give ``code file:line:column`` of each."""
        found = self.refuses("check")
        assert self.refuses("plan") == found
        assert self.refuses("apply") == found
        for each in found:
            assert each["line"] > 0, each
            assert each["column"] > 0, each
        return [place(each) for each in found]

    def fails(self, *arguments, code=1):
        """Run a command that must fail; give its first error."""
        return self.refuses(*arguments, code=code)[0]

    def served(self, lake):
        """What can be seen of dev: its releases, its rows, and the bytes that lie in the lake for them."""
        files = {path: path.read_bytes() for path in lake}
        return self("history", "--json").out, self("query", "--json", "FROM sales").out, files

    def sales(self):
        """Give the number of orders by product."""
        return {row["product"]: row["orders"] for row in self("--json", "query", "FROM sales").document}

    def write(self, path, text):
        """Write a file of the project: text or bytes."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())


def place(diagnostic):
    return f"{diagnostic['code']} {diagnostic['file']}:{diagnostic['line']}:{diagnostic['column']}"


@pytest.fixture(scope="session")
def applied_shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("applied") / "shop"
    initialise(root, "minimal", name="shop")
    assert CommandLine(root)("apply").code == 0
    return root


@pytest.fixture
def shop(applied_shop, tmp_path):
    """A copy of a project that is applied to dev; all its files are as old as those of the first."""
    shutil.copytree(applied_shop, tmp_path / "shop")
    return Shop(tmp_path / "shop")
