"""What a command says while it works, where nobody sees a bar."""

from itertools import count

from headwater.cli.printing import Printer
from headwater.cli.progress import Follower
from headwater.events import Phase, StateResumed


def test_how_far_it_is_says_no_number_that_is_not_known(capsys):
    minutes = count(0, 60)
    follower = Follower(Printer(), lambda: next(minutes))
    for event in [StateResumed(3.0), Phase("plan"), Phase("build", 2)]:
        follower.take(event)
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["… Planning", "… Computing: 0 of 2"]
    assert not any("0 of 0" in line for line in said)
