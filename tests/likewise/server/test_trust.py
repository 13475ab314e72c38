"""A server may be killed at any moment and sent anything: no acknowledged change is lost."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from index.gallery import Gallery
from tests.likewise.server.conftest import png
from tests.likewise.server.fuzz import variations
from tests.likewise.server.processes import ROOT, ServerProcess

PNG = {"Content-Type": "image/png"}
GIB = 1 << 30

# ------------------------------------------------------------------ killed


@dataclass
class Hammer:
    """Clients of a server that comes and goes, and what it told them.

    Attributes:
        acknowledged: The label of each reference that was enrolled last, None where it was removed;
            an id is left out while its last change is not acknowledged.
        answered: How often each status came.
        wrong: Answers that must never come.
    """

    url: str
    pictures: list[bytes]
    ended: Event = field(default_factory=Event)
    acknowledged: dict[str, str | None] = field(default_factory=dict)
    answered: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def loop(self, turn: Callable[[httpx.Client, random.Random, int], None], seed: int) -> None:
        chance, count = random.Random(seed), 0
        while not self.ended.is_set():
            with httpx.Client(base_url=self.url, timeout=30) as client:
                try:
                    while not self.ended.is_set():
                        turn(client, chance, seed * 1_000_000 + count)
                        count += 1
                except httpx.TransportError:  # killed in between: nothing was told
                    time.sleep(0.02)  # spares the machine; nothing depends on it

    def ask(self, client: httpx.Client, method: str, path: str, **sent: object) -> httpx.Response:
        answer = client.request(method, path, **sent)  # type: ignore[arg-type]
        self.answered[answer.status_code] += 1
        if answer.status_code not in (200, 201, 404, 429, 503):
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        json.loads(answer.content)  # whole, whatever it says
        return answer

    def write(self, client: httpx.Client, chance: random.Random, number: int) -> None:
        id, label = f"w{number % 977}/{number // 1_000_000}", str(number)
        removes = number % 3 == 2
        known = self.acknowledged.pop(id, None)
        if removes:
            answer = self.ask(client, "DELETE", f"/v1/references/{id}")
            output = answer.status_code in (200, 404)
        else:
            picture = chance.choice(self.pictures)
            answer = self.ask(
                client, "PUT", f"/v1/references/{id}?label={label}", content=picture, headers=PNG
            )
            output = answer.status_code in (200, 201)
        if output:
            self.acknowledged[id] = None if removes else label
            self.read_back(client, id)
        elif known is not None:
            self.acknowledged[id] = known  # refused: as it was

    def read_back(self, client: httpx.Client, id: str) -> None:
        answer = self.ask(client, "GET", f"/v1/references/{id}")
        result = answer.json().get("label") if answer.status_code == 200 else None
        if answer.status_code in (200, 404) and result != self.acknowledged[id]:
            self.wrong.append(f"{id} is {result}, not {self.acknowledged[id]}")

    def check(self, client: httpx.Client, chance: random.Random, number: int) -> None:
        count = 1 + number % 7
        files = [("images", (f"{i}.png", chance.choice(self.pictures))) for i in range(count)]
        answer = self.ask(client, "POST", "/v1/check?k=3", files=files)
        if answer.status_code == 200 and len(answer.json()["rows"]) != count:
            self.wrong.append(f"{count} pictures: {answer.text[:300]}")

    def browse(self, client: httpx.Client, chance: random.Random, number: int) -> None:
        for path in ("/v1/gallery", "/v1/references?limit=200", "/readyz"):
            self.ask(client, "GET", path)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "seconds",
    [pytest.param(60, marks=pytest.mark.slow), pytest.param(900, marks=pytest.mark.soak)],
)
def test_no_acknowledged_reference_is_lost_and_no_half_answer_is_given(
    real_gallery, queries, tmp_path, seconds
):
    """Takes a minute: a server is killed every other second, and five kills say little."""
    gallery = Path(shutil.copytree(real_gallery, tmp_path / "digits.gallery"))
    chance = random.Random(3)
    server = ServerProcess(gallery)
    hammer = Hammer(server.url, [png(record) for record in queries])
    turns = [hammer.write, hammer.write, hammer.check, hammer.check, hammer.browse]
    threads = [Thread(target=hammer.loop, args=(turn, seed)) for seed, turn in enumerate(turns)]
    for thread in threads:
        thread.start()
    kills, until = 0, time.monotonic() + seconds
    while time.monotonic() < until or kills < 5:
        time.sleep(chance.uniform(0.2, 3))  # a random moment to die at
        with server:  # killed
            pass
        server = ServerProcess(gallery, port=server.port)
        kills += 1
    hammer.ended.set()
    for thread in threads:
        thread.join()
    with server:
        assert server.stop() == 0
    assert hammer.wrong == []
    assert hammer.answered[201] > kills
    assert_holds(gallery, hammer.acknowledged)


def assert_holds(path: Path, acknowledged: dict[str, str | None]) -> None:
    with Gallery.open(path) as gallery:
        gallery.verify()
        held = dict.fromkeys(gallery.ids())
        kept = {id for id, label in acknowledged.items() if label is not None}
        assert {id: gallery.get(id).label for id in kept} == {id: acknowledged[id] for id in kept}
        assert not [id for id, label in acknowledged.items() if label is None and id in held]


# ------------------------------------------------------------------ sent anything


@pytest.mark.timeout(7200)  # the longer run takes twenty minutes of two cores
@pytest.mark.parametrize(
    "count",
    [pytest.param(10_000, marks=pytest.mark.slow), pytest.param(1_000_000, marks=pytest.mark.soak)],
)
def test_tens_of_thousands_of_damaged_pictures_are_read_or_refused(count):
    """Each in turn by the decoder, the network's preparation and the network.

    The longer run is the one that finds: a defect of a decoder shows once in many thousands.
    """
    command = [sys.executable, "-m", "tests.likewise.server.fuzz", str(count)]
    started = [
        subprocess.Popen(
            [*command, str(seed)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for seed in (11, 12)
    ]
    for process in started:
        output = json.loads(process.communicate()[0])  # a crash leaves nothing to read
        assert process.returncode == 0
        assert set(output["became"]) == {"read", "refused"}, output["became"]
        assert sum(output["became"].values()) == count
        assert min(output["became"].values()) > count * 10 / 51  # variations do reach the decoders
        assert output["peak"] < 1.5 * GIB
        assert output["slowest"] < 10, output["worst"]  # seconds of the processor, for one picture


@pytest.mark.slow
def test_a_server_that_is_sent_damaged_pictures_answers_each_and_lives(real_gallery, queries):
    with ServerProcess(real_gallery) as server:

        def sent(content: bytes) -> int:
            answer = client.post("/v1/check", content=content, headers=PNG)
            body = answer.json()
            if answer.status_code == 200:
                assert len(body["rows"]) == 1
            else:
                assert set(body) == {"code", "message", "hint"}
            return answer.status_code

        with server.client() as client, ThreadPoolExecutor(4) as clients:
            statuses = Counter(clients.map(sent, variations(4000, seed=13)))
            assert set(statuses) <= {200, 413, 422}
            assert min(statuses[200], statuses[422]) > 400
            assert sent(png(queries[0])) == 200
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        assert peak < 3 * GIB
