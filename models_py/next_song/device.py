"""The device that the sequence net is trained on: a GPU where there is one."""

import logging
import os

import torch

from models_py.examples import SettingsError

VARIABLE = "HITPARADE_DEVICE"
AUTO = "auto"
KINDS = ("cpu", "cuda", "mps")
log = logging.getLogger("models_py.next_song")


def chosen() -> torch.device:
    """Return the device that HITPARADE_DEVICE names, such as cpu, cuda, cuda:1 or mps.

    `auto`, the default, is CUDA or MPS if PyTorch can train the net there, else the CPU.

    Raises:
        SettingsError: PyTorch does not know the device, or cannot train the net there.
    """
    name = os.environ.get(VARIABLE) or AUTO
    if name != AUTO:
        if fault := _fault(name):
            raise SettingsError(f"{VARIABLE}={name}: {fault}: use auto, cpu, cuda or mps")
        return torch.device(name)
    for present, name in ((torch.cuda.is_available(), "cuda"), (_has_mps(), "mps")):
        if present:
            if not (fault := _fault(name)):
                return torch.device(name)
            log.warning("next_song is trained on the CPU, because %s cannot: %s", name, fault)
    return torch.device("cpu")


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _fault(name: str) -> str:
    """Return why the net cannot be trained on a device; an empty text if it can.

    Not every device can train embeddings with sparse gradients.
    """
    if name.partition(":")[0] not in KINDS:
        return "there is no such device"
    try:
        with torch.device(name):
            embedding = torch.nn.Embedding(2, 2, sparse=True)
            optimizer = torch.optim.SparseAdam(embedding.parameters())
            embedding(torch.zeros(1, dtype=torch.long)).sum().backward()
        optimizer.step()
    except (RuntimeError, AssertionError) as error:  # AssertionError: PyTorch without CUDA
        return str(error).splitlines()[0]
    return ""
