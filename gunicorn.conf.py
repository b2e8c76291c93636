"""The web process: a few workers with threads, because a request mostly waits for a commit.

Environment: BIND (127.0.0.1), PORT (8000), WEB_WORKERS (2), WEB_THREADS (8).
"""

import os
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 25  # longer than the longest wait a checkout may ask for
keepalive = 5
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
control_socket_disable = True  # it would stand in the home of whoever runs this, shared by all runs
if Path("/dev/shm").is_dir():  # noqa: S108  a heartbeat on a busy disk looks like a dead worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def child_exit(_server: Any, worker: Any) -> None:
    """Keep the gauges of a worker that ended from being counted on."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)
