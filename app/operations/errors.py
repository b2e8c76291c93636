"""How operations are refused."""

from app.platform.errors import Conflict, NotFound


class SagaNotFound(NotFound):
    """No saga of this id."""

    code = "saga_not_found"


class SagaNotStuck(Conflict):
    """It goes on by itself, or is at its end."""

    code = "saga_not_stuck"


class IncidentNotFound(NotFound):
    """No incident of this id."""

    code = "incident_not_found"


class SagaStillStuck(Conflict):
    """An incident is not over while its saga waits for a person."""

    code = "saga_still_stuck"
