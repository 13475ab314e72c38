"""Questions over a socket."""

from __future__ import annotations

import json

from tests.service.http.conftest import png


def rows_of(matcher, records, **asked):
    from service.bulk import check_stream

    return list(check_stream(matcher, records, **asked))


def test_a_picture_as_the_whole_body_is_checked(shared, queries):
    answer = shared.post(
        "/v1/check?k=3&id=a.png", content=png(queries[0]), headers={"Content-Type": "image/png"}
    )
    [row] = answer.json()["rows"]
    assert (row["id"], row["decision"], len(row["neighbours"])) == ("a.png", "match", 3)


def test_rows_are_those_of_a_check_stream(shared, matcher, queries):
    files = [("images", (record.id, png(record))) for record in queries]
    answer = shared.post("/v1/check", files=files)
    assert answer.json()["rows"] == json.loads(json.dumps(rows_of(matcher, queries)))
