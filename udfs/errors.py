"""The error that the runtime and the registry raise."""


class ModelError(RuntimeError):
    """A call failed; the message names the cause and the next step."""
