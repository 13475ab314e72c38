"""While another process changes the gallery, only requests that change it wait."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PIL import Image

from index.references.local import Store
from tests.likewise.server.conftest import image
from tests.writing import another_process_writes


def test_questions_are_answered_while_changes_wait_for_another_process(
    client, gallery, queries, monkeypatch
):
    begun, add = threading.Event(), Store.add

    def begin(store: Store, *rows: Any) -> object:
        begun.set()
        return add(store, *rows)

    monkeypatch.setattr(Store, "add", begin)
    large = io.BytesIO()
    Image.fromarray(queries[0].pixels()).resize((1500, 1500)).save(large, "PNG")

    def put(place: int) -> int:
        path = f"/v1/references/new-{place}?label=7"
        return client.put(path, **image(queries[place])).status_code

    with ThreadPoolExecutor(12) as clients:
        with another_process_writes(gallery):
            changes = [clients.submit(put, place) for place in range(12)]
            assert begun.wait(60)
            [row] = client.post("/v1/check", **image(queries[0])).json()["rows"]
            assert row["neighbours"][0]["id"] != "new-0"
            headers = {"Content-Type": "image/png"}
            whole = client.post("/v1/check", content=large.getvalue(), headers=headers)
            assert whole.status_code == 200
            assert client.get("/v1/gallery").json()["references"] == 300
        # Had a question waited for them, the changes would have been given up by now.
        assert [change.result() for change in changes] == [201] * 12
    assert client.get("/v1/gallery").json()["references"] == 312
