"""Tasks without work for tests of the executor: their graph, an owned pace, and what happened in which order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from headwater.diagnostics import HeadwaterError
from headwater.events import Event
from headwater.graph.values import Node
from headwater.run.executor import Executed, Pace, Terms, execute
from headwater.run.metering import Meter
from headwater.run.worker import Receipt
from headwater.spec.addresses import Version
from headwater.tasks.values import Task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLAIN = Node(name="plain", kind="full", version=Version("v1"), rows_address="", columns=())


def task(name: str, reads: str = "", **settings: object) -> Task:
    """A task that waits for others, named with spaces between them; ``settings`` are its node's."""
    node = replace(PLAIN, name=name, **settings)  # type: ignore[arg-type]
    return Task(
        id=name, node=node, slots=(), relations=(), now=NOON, environment="dev", depends=frozenset(reads.split())
    )


@dataclass
class Play:
    """Plays tasks: each attempt does what its task's act says (nothing, unless told), and is written down."""

    acts: Mapping[str, Callable[[int], None]] = field(default_factory=dict)
    workers: int = 1
    random: float = 1.0
    terms: Terms = Terms()
    log: list[tuple[str, str]] = field(default_factory=list)
    """(began or done, task), in this order."""
    slept: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    interrupts: int = 0
    seconds: float = 0.0
    """The time that has passed: sleeping is all that takes time."""

    def __post_init__(self) -> None:
        self.pace = Pace(
            workers=self.workers,
            sleep=self._sleep,
            random=lambda: self.random,
            interrupt=self._interrupt,
            monotonic=lambda: self.seconds,
        )

    @property
    def began(self) -> list[str]:
        """Tasks in the order in which their attempts began."""
        return [name for what, name in self.log if what == "began"]

    @property
    def done(self) -> list[str]:
        """Tasks in the order in which they were done."""
        return [name for what, name in self.log if what == "done"]

    def run(self, tasks: Iterable[Task]) -> Executed:
        """Execute the tasks."""
        return execute(
            list(tasks),
            self._attempt,
            self.pace,
            self.events.append,
            lambda r: self.log.append(("done", r.task)),
            self.terms,
        )

    def _attempt(self, task: Task, number: int, meter: Meter) -> Receipt:
        del meter
        self.log.append(("began", task.id))
        self.acts.get(task.id, _nothing)(number)
        return Receipt(task=task.id, fills=())

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def _interrupt(self) -> None:
        self.interrupts += 1


def failing(problem: type[HeadwaterError], times: int = 1_000_000) -> Callable[[int], None]:
    """An act that fails in its first attempts."""

    def act(number: int) -> None:
        if number <= times:
            raise problem.of("HW0506", f"attempt {number} could not read")

    return act


def _nothing(number: int) -> None:
    del number
