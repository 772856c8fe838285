"""The entry of a site's worker: ``python -m headwater.app.site --site eu --home DIR --root DIR``."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from headwater.app.secrets import learn_environment
from headwater.app.site.conversing import Conversation
from headwater.app.site.homes import read_environment
from headwater.app.site.site import open_site
from headwater.connect.wire import Frame, encode
from headwater.diagnostics import HeadwaterError


def main() -> int:
    """Answer what comes on standard input, on standard output, until it ends; give the exit status."""
    asked = _arguments()
    os.umask(0o077)
    # What anything prints must not fall among the frames: it goes where errors go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        for name, value in read_environment(asked.home / "environment").items():
            os.environ[name] = value
        learn_environment()
        with open_site(asked.site, asked.home, asked.root, asked.memory) as site, suppress(BrokenPipeError):
            Conversation(site, sys.stdin.buffer, answers, asked.capacity).run()
    except (HeadwaterError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        with suppress(BrokenPipeError):
            answers.write(encode(Frame(0, "failed", "home")))
            answers.flush()
        return 5
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m headwater.app.site", description="The worker of one site.")
    parser.add_argument("--site", required=True, help="its name, as the project calls it")
    parser.add_argument("--home", required=True, type=Path, help="what it keeps for itself: approvals, key, audit")
    parser.add_argument("--root", required=True, type=Path, help="where paths of its sources start from")
    parser.add_argument("--capacity", type=int, default=2, help="how many questions it works on at once")
    parser.add_argument("--memory", type=int, default=0, help="bytes that each of them may use; 0: no limit")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
