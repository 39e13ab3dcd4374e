"""The Mogplex API over HTTP, for Python programs and for the command line. Standard library only.

    from mogplex.client import Client

    client = Client("http://127.0.0.1:7433", api_key="mog_…")
    run = client.start_run({"repoId": "acme/web", "prompt": "Fix the failing test"})
    for event in client.stream_events(run["runId"]):
        print(event["seq"], event["type"], event["message"])
    ending = client.get_run(run["runId"])

Answers are the plain JSON objects of the API, its envelope taken off. Errors are `ApiError` (the server said no),
`ConnectionFailed` (nobody answered, or not a Mogplex server), `WaitTimeout` (the caller's own patience ended) and
`UnusableValue` (an argument that can't be sent); all are `ClientError`. A `Client` keeps no connection between calls,
so threads may share one.
"""

from __future__ import annotations

from mogplex.client.api import Client
from mogplex.client.errors import ApiError, ClientError, ConnectionFailed, UnusableValue, WaitTimeout

__all__ = ["ApiError", "Client", "ClientError", "ConnectionFailed", "UnusableValue", "WaitTimeout"]
