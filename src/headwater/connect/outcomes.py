"""The closed list of what a site may say of an attempt that gave no answer: a word, never a message of its engine."""

from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Broken, HeadwaterError, Refused, Retryable


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a word means to the asker: which error, with which code, and what can be done."""

    kind: type[HeadwaterError]
    code: str
    message: str
    hint: str = ""


OUTCOMES: Final = {
    "unapproved": Outcome(
        Refused, "HW1250", "site `{site}` answers under approved rules only, and these are not",
        "its operator looks at them and says `headwater sites approve {site}`",
    ),
    "moved": Outcome(Retryable, "HW1251", "what is read at site `{site}` has moved meanwhile", "run it again"),
    "failed": Outcome(
        Broken, "HW1252", "the engine at site `{site}` could not compute it",
        "the reason may hold values of rows, so it stays there: in the file `log` of the site's home directory",
    ),
    "exhausted": Outcome(
        Broken, "HW1253", "site `{site}` has run out of memory or disk", "ask for less at once, or give it more"
    ),
    "interrupted": Outcome(Retryable, "HW1254", "site `{site}` took longer than it may", "run it again"),
    "gone": Outcome(Retryable, "HW1255", "site `{site}` went away before it had answered", "run it again"),
    "malformed": Outcome(
        Broken, "HW1256", "site `{site}` could not read the question", "it has another version, or something garbles it"
    ),
    "protocol": Outcome(
        Broken, "HW1257", "site `{site}` speaks another version of the protocol", "upgrade Headwater on both sides"
    ),
    "unreadable": Outcome(
        Broken, "HW1258", "site `{site}` cannot read the source",
        "which file, and why, stays there: in the file `log` of the site's home directory",
    ),
    "received": Outcome(Refused, "HW1259", "what was sent to site `{site}` is not what the fragment says it is"),
    "columns": Outcome(
        Refused, "HW1260", "the fragment gives other columns at site `{site}` than its asker expects", "plan again"
    ),
    "too large": Outcome(Broken, "HW1261", "the question is larger than site `{site}` takes", "send fewer keys"),
    "home": Outcome(
        Broken, "HW1262", "the home directory of site `{site}` cannot be used",
        "why stands in what its worker wrote to standard error",
    ),
    "chain": Outcome(
        Broken, "HW1263", "the audit chain of site `{site}` is broken, so it sends nothing",
        "its operator looks into `audit.jsonl` of its home directory",
    ),
    "unclipped": Outcome(
        Refused, "HW1264", "a grant at site `{site}` is to be cut by time and does not hold the time column",
        "ship the source's time column, too, or read the grant whole",
    ),
    "inexact": Outcome(
        Broken, "HW1265", "site `{site}` found a value that a file cannot hold exactly",
        "cast it to DOUBLE or text in the query",
    ),
    "unknown": Outcome(
        Refused, "HW1266", "site `{site}` does not hold that source", "`headwater sites` shows what it holds"
    ),
    "key": Outcome(
        Broken, "HW1267", "site `{site}` has no value for a key or another secret that it needs",
        "write it into the file `environment` of the site's home directory",
    ),
    "vanished": Outcome(
        Broken, "HW1290", "a file of the source has vanished at site `{site}`, and it is not said what that means",
        "its operator brings it back, or says `headwater sites forget {site} SOURCE`, after which what is there stands;"
        " or choose `on_vanish: keep` (rotated away) or `on_vanish: delete`",
    ),
    "kept": Outcome(
        Refused, "HW1292", "files with some of these rows are gone from site `{site}` (`on_vanish: keep`)",
        "what was computed of them stands; to compute it anew, bring them back",
    ),
    "clock": Outcome(
        Retryable, "HW1291", "`$now` decides by a rule what leaves site `{site}`, and its clock shows another time",
        "run it again; set the clocks if that does not help",
    ),
    "unreleased": Outcome(
        Retryable, "HW1268", "site `{site}` releases aggregates of whole slots, and one of these has not ended there",
        "run it again when its clock is past the end of the slot",
    ),
    "slots": Outcome(
        Refused, "HW1237", "site `{site}` has released these aggregates before in slots of another length or time zone",
        "the first reader's `every` and `timezone` stand, in every environment; a changed rule begins anew",
    ),
}  # fmt: skip
"""Word → what it means. What it was about is not said: one word for each attempt is all that leaves."""


def raised(word: str, site: str) -> HeadwaterError:
    """Make the error that a word stands for; one that this version does not know is a failure."""
    found = OUTCOMES.get(word, OUTCOMES["failed"])
    return found.kind.of(found.code, found.message.format(site=site), hint=found.hint.format(site=site))
