"""What a call of the runtime or of the registry is refused with."""


class ModelError(RuntimeError):
    """A call that no model can answer; the message names the cause and the next step."""
