"""The real model of the extra `real`: SmolLM2-135M-Instruct, converted once into the cache."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm() -> str:
    from bias_inherit.errors import InputError
    from bias_inherit.models import resolve_model
    from bias_inherit.smollm import smollm as real_file

    try:
        file = real_file()
    except InputError as error:
        pytest.skip(str(error))  # by hand, without the extra; `.ci/run` checks that it is there
    return resolve_model(file)


@pytest.fixture(scope="session")
def d_o():
    """D_o of the gender axis: one row of each occupation and gender."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.originals import draw_original

    return draw_original(load_axis("gender"), "mini", per_cell=1).rows


@pytest.fixture(scope="session")
def structured_server(smollm, tmp_path_factory):
    """Address of a real server of that model that does structured output."""
    pytest.importorskip("outlines_core", reason="outlines-core is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("structured") / "log").open("w")
    command = [sys.executable, str(Path(__file__).parent / "structured_server.py")]
    server = subprocess.Popen(
        [*command, smollm, str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, Path(log.name).read_text()
                time.sleep(0.5)
        else:
            pytest.fail("the server did not start")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()
