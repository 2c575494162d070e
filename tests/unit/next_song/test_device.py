"""The device that the sequence net is trained on."""

import pytest
import torch

from models_py.examples import SettingsError
from models_py.next_song import device


@pytest.mark.parametrize("name", ["", "auto", "cpu"])
def test_without_a_gpu_the_device_is_the_cpu(monkeypatch, name):
    monkeypatch.setenv(device.VARIABLE, name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "_has_mps", lambda: False)
    assert device.chosen() == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", "cpu:x"])
def test_a_device_that_cannot_train_is_refused(monkeypatch, name):
    monkeypatch.setenv(device.VARIABLE, name)
    with pytest.raises(SettingsError, match=f"HITPARADE_DEVICE={name}: .*: use auto, cpu, cuda"):
        device.chosen()


def test_a_gpu_that_cannot_train_is_left_out(monkeypatch, caplog):
    monkeypatch.delenv(device.VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "_has_mps", lambda: True)
    monkeypatch.setattr(device, "_fault", lambda name: f"no sparse gradients on {name}")
    assert device.chosen() == torch.device("cpu")
    assert "because mps cannot: no sparse gradients on mps" in caplog.text


def test_a_gpu_that_can_train_is_used(monkeypatch):
    monkeypatch.delenv(device.VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device, "_fault", lambda name: "")
    assert device.chosen() == torch.device("cuda")
