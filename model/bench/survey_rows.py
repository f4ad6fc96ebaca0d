"""Rows of `model.bench.survey` about the machine itself, and the cells that it measures."""

import os
import platform
from dataclasses import asdict
from typing import Any

import torch

from model.bench import roofline
from model.bench.check import checks
from model.machine import cores
from model.queues import CUDA_QUEUES
from model.spec import Spec

#: A line of the survey's file: plain values by name.
SurveyRow = dict[str, Any]

GROUPS = 8
MODEL = "resnet20"


def cell(norm: str, batch_size: int) -> Spec:
    groups = GROUPS if norm == "gn" else None
    return Spec(
        dataset="noise",
        model=MODEL,
        shortcut="projection",
        norm=norm,
        groups=groups,
        batch_size=batch_size,
        recipe="wu2018",
        epochs=1,
        iterations=None,
        holdout=0,
    )


def environment(device: torch.device) -> SurveyRow:
    row: SurveyRow = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpus": cores(),
        "queues": os.environ.get(CUDA_QUEUES[0]),
    }
    if device.type != "cuda":
        return {**row, "device": device.type}
    properties = torch.cuda.get_device_properties(device)
    free, whole = torch.cuda.mem_get_info(device)
    return {
        **row,
        "device": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory_gib": round(whole / 2**30, 1),
        "free_gib": round(free / 2**30, 1),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "driver": _driver(),
    }


def _driver() -> str | None:
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return None


def roofline_row(device: torch.device) -> SurveyRow:
    """The floor of a kernel in a captured chain, copy bandwidth, rates of matrix products."""
    if device.type != "cuda":
        rates = roofline.cpu()
        return {
            "arithmetic_gflops": round(rates.arithmetic, 1),
            "convolution_gflops": round(rates.convolution, 1),
        }
    best = roofline.gpu(device)
    row: SurveyRow = {"kernel_us": round(best.kernel * 1e6, 3), "copy_gb_s": round(best.bandwidth, 1)}
    before = torch.backends.cuda.matmul.allow_tf32
    try:
        for name, dtype, tf32 in (
            ("fp32", torch.float32, False),
            ("tf32", torch.float32, True),
            ("bf16", torch.bfloat16, False),
        ):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a = torch.randn(4096, 4096, device=device, dtype=dtype)
            seconds = roofline.event_seconds(lambda a=a: torch.mm(a, a))  # type: ignore[misc]
            row[f"{name}_tflops"] = round(2 * 4096**3 / seconds / 1e12, 1)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return row


def check(device: torch.device, norm: str) -> list[SurveyRow]:
    """Does the device compute as it has to, for this norm and by what a sweep uses? `model.bench.check`."""
    found = checks(device, lambda line: None, (norm,), others=False)
    return [{**asdict(one), "passed": one.passed} for one in found]
