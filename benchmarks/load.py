"""Send many requests from a few connections, at little cost: the generator shares the machine with what it measures.

Bodies are made beforehand, connections are kept, and two processes wait for all answers with `select`. An error answer
is fast, so every status is counted, and so are the visits that the answers call accepted.
"""

import multiprocessing
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

PROCESSES = 2
CONNECTIONS = 8
ANSWER_PATIENCE_S = 60.0


@dataclass
class Outcome:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: int = 0  # visits
    seconds_each: list[float] = field(default_factory=list)  # from sending to the end of the answer
    acknowledged: list[tuple[float, int]] = field(default_factory=list)  # time.monotonic(), visits accepted
    wall_s: float = 0.0
    generator_cpu_s: float = 0.0

    def add(self, other: "Outcome") -> None:
        self.statuses += other.statuses
        self.accepted += other.accepted
        self.seconds_each += other.seconds_each
        self.acknowledged += other.acknowledged
        self.wall_s = max(self.wall_s, other.wall_s)
        self.generator_cpu_s += other.generator_cpu_s

    @property
    def refusals(self) -> int:
        return sum(n for status, n in self.statuses.items() if status not in (200, 201))


def post_all(port: int, path: str, token: str, bodies: Sequence[bytes], requests_a_second: float = 0.0) -> Outcome:
    """POST every body once, from 8 connections; as fast as answers come, or at a steady pace."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    ).encode()
    requests = [head % len(body) + body for body in bodies]
    context = multiprocessing.get_context("fork")
    workers = []
    for k in range(PROCESSES):
        here, there = context.Pipe()
        pace = requests_a_second / PROCESSES
        worker = context.Process(target=_send_share, args=(there, port, requests[k::PROCESSES], pace))
        worker.start()
        workers.append((worker, here))
    together = Outcome()
    for worker, here in workers:
        together.add(here.recv())
        worker.join()
    return together


def _send_share(to: Connection, port: int, requests: list[bytes], pace: float) -> None:
    outcome, waiting = Outcome(), deque(requests)
    selector = selectors.DefaultSelector()
    idle = [_Line(port) for _ in range(CONNECTIONS // PROCESSES)]
    for line in idle:
        selector.register(line.socket, selectors.EVENT_READ, line)
    started, cpu_before, sent = time.monotonic(), time.process_time(), 0
    busy = 0
    while waiting or busy:
        while waiting and idle and (not pace or time.monotonic() >= started + sent / pace):
            idle.pop().send(waiting.popleft())
            sent, busy = sent + 1, busy + 1
        due_s = started + sent / pace - time.monotonic() if pace and waiting and idle else ANSWER_PATIENCE_S
        for key, _ in selector.select(max(0.0, due_s)):
            if key.data.receive(outcome):
                idle.append(key.data)
                busy -= 1
    outcome.wall_s = time.monotonic() - started
    outcome.generator_cpu_s = time.process_time() - cpu_before
    to.send(outcome)


class _Line:
    """One kept connection, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received, self.sent_at = b"", 0.0

    def send(self, request: bytes) -> None:
        self.received, self.sent_at = b"", time.monotonic()
        self.socket.sendall(request)

    def receive(self, outcome: Outcome) -> bool:
        """Take what has come; whether the answer is whole now."""
        more = self.socket.recv(1 << 18)
        if not more:
            raise ConnectionError(f"closed in the middle of an answer: {self.received[:300]!r}")
        self.received += more
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return False
        now = time.monotonic()
        status, accepted = int(head[9:12]), 0
        if status == 201:
            accepted = 1
        elif body.startswith(b'{"accepted":'):
            accepted = int(body[12 : body.index(b",")])
        outcome.statuses[status] += 1
        outcome.accepted += accepted
        outcome.seconds_each.append(now - self.sent_at)
        outcome.acknowledged.append((now, accepted))
        return True


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start:].split(b"\r\n", 1)[0])
