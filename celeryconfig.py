"""Celery's settings: data only. The broker carries nudges; what must not be lost is in
PostgreSQL."""

from kombu import Queue

from app.config import settings

_settings = settings()

broker_url = _settings.broker
task_ignore_result = True
result_backend = None

# A task is acknowledged when it is done; one whose worker died is sent again, three times at most.
task_acks_late = True
worker_prefetch_multiplier = 1
task_retry_on_worker_lost = True
task_reject_on_worker_lost = True
task_soft_time_limit = 90
task_time_limit = 120
worker_max_tasks_per_child = 5_000
worker_soft_shutdown_timeout = 5.0
worker_cancel_long_running_tasks_on_connection_loss = True
worker_hijack_root_logger = False
broker_connection_retry_on_startup = True

# The visibility timeout must exceed the hard time limit, or a long task would run twice at once.
broker_transport_options = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
    "global_keyprefix": "shop:",
}
if _settings.broker.startswith(("amqp", "pyamqp")):
    broker_transport_options = {"confirm_publish": True}
    task_default_queue_type = "quorum"
    worker_detect_quorum_queues = True

# A publish gives up at once: the nudge is lost, and the sweep nudges again.
task_publish_retry_policy = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.1,
}

QUEUES = ("checkout", "payments", "fulfilment", "notifications", "search", "maintenance")
task_queues = [Queue(name) for name in QUEUES]
task_default_queue = "maintenance"
task_create_missing_queues = False
task_routes = {
    "checkout.sweep_stalled": {"queue": "maintenance"},
    "checkout.*": {"queue": "checkout"},
    "inventory.*": {"queue": "maintenance"},
    "payments.*": {"queue": "payments"},
    "capture.*": {"queue": "payments"},
    "refund.*": {"queue": "payments"},
    "cancel.*": {"queue": "payments"},
    "fulfilment.*": {"queue": "fulfilment"},
    "return.*": {"queue": "fulfilment"},
    "shipping.*": {"queue": "fulfilment"},
    "orders.*": {"queue": "maintenance"},
    "documents.*": {"queue": "notifications"},
    "notifications.*": {"queue": "notifications"},
    "search.*": {"queue": "search"},
    "outbox.*": {"queue": "maintenance"},
    "housekeeping.*": {"queue": "maintenance"},
    "catalog.*": {"queue": "maintenance"},
}

# Events for Flower; worth a third of the broker's pace, and people look at them.
worker_send_task_events = True
task_send_sent_event = False  # the workers' own events tell of every task already


def _each(task: str, seconds: float) -> dict[str, object]:
    """Run a task periodically; a run nobody got round to in time is dropped, not piled up."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds * 2, 5)}}


beat_schedule = {
    "sweep-stalled-sagas": _each("checkout.sweep_stalled", 1.0),
    "expire-holds": _each("inventory.expire_holds", 5.0),
    "load-dirty-gate": _each("inventory.load_gate", 1.0),
    "reload-gate": _each("inventory.reload_gate", 60.0),
    "apply-psp-events": _each("payments.apply_events", 3.0),
    "cancel-expired-orders": _each("orders.cancel_expired", 60.0),
    "deliver-letters": _each("notifications.sweep", 3.0),
    "delete-erased-labels": _each("shipping.delete_labels", 300.0),
    "prune-outbox": _each("outbox.prune", 3600.0),
    "forget-old-keys": _each("housekeeping.forget_old_keys", 3600.0),
    "forget-old-tokens": _each("housekeeping.forget_old_tokens", 3600.0),
}
beat_max_loop_interval = 1
