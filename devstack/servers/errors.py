"""How an embedded server refuses: always one line that says what to do."""


class ServerFailed(Exception):
    """A server that cannot be found or does not come up; the text is one line for a person."""
