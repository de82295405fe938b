import pytest
import torch

from kdeviz.errors import OptionError
from kdeviz.model.devices import device_name, is_out_of_memory, resolve_device

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    def with_devices(cuda, mps):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return with_devices


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda:1"), (True, False, "cuda:1"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_then_mps_then_cpu(machine, cuda, mps, chosen):
    machine(cuda, mps)
    assert resolve_device("auto") == torch.device(chosen)


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_an_explicit_device_is_kept(device):
    assert resolve_device(device) == CPU


def test_unknown_devices_raise_with_the_remedy():
    with pytest.raises(OptionError, match=r"device='abacus' cannot be used here .*choose 'auto' or 'cpu'"):
        resolve_device("abacus")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_missing_devices_raise_with_the_remedy():
    with pytest.raises(OptionError, match=r"device='cuda:7' cannot be used here"):
        resolve_device("cuda:7")


def test_names_for_people(monkeypatch):
    assert device_name(CPU) == f"CPU, {torch.get_num_threads()} threads"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    assert device_name(torch.device("cuda:0")) == "NVIDIA H100 (cuda:0)"
    assert device_name(torch.device("mps")).startswith("Apple ")


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("a bug"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_faults(error, is_one):
    assert is_out_of_memory(error) is is_one


@pytest.mark.gpu
def test_this_machines_gpu():
    assert resolve_device("auto").type == "cuda"
    assert "cuda" in device_name(resolve_device("cuda"))
