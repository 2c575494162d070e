"""The error that the runtime and the registry raise."""


class ModelError(RuntimeError):
    """A call failed; the message names the cause and the next step."""


def says_no_model(model_id: str) -> bool:
    """Return whether a model_id is the sentence that functions pass for a task without model."""
    return model_id.startswith("task ") and " has no " in model_id
