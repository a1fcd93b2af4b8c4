"""What may be said about vLLM, on the command line and in the environment."""

from pathlib import Path

import pytest

from gptoss.backends.opening import open_generator
from gptoss.backends.vllm.options import VllmOptions, VllmRequest
from gptoss.engine.errors import BackendError, UsageError


def options(request: VllmRequest, **environment: str) -> VllmOptions:
    return request.options(Path("cache"), Path("logs"), environment=environment)


def test_arguments_become_a_command_line() -> None:
    request = VllmRequest(
        arguments=("tensor_parallel_size=2", "--dtype=float32", "enforce-eager=true", "x=false", "y=a=b")
    )
    assert options(request).command_line == [
        *("--tensor-parallel-size", "2", "--dtype", "float32", "--enforce-eager", "--no-x", "--y", "a=b")
    ]


def test_the_command_line_comes_before_the_environment() -> None:
    request = VllmRequest(arguments=("dtype=float32",), server="http://here")
    found = options(
        request,
        GPTOSS_VLLM_ARGS="dtype=bfloat16 block-size=32",
        GPTOSS_VLLM_SERVER="http://there",
        VLLM_API_KEY="secret",
    )
    assert dict(found.arguments) == {"dtype": "float32", "block-size": "32"}
    assert (found.server, found.api_key) == ("http://here", "secret")
    assert options(VllmRequest(), GPTOSS_VLLM_SERVER="http://there").server == "http://there"
    assert options(VllmRequest(serve=True), GPTOSS_VLLM_SERVER="http://there").server is None


@pytest.mark.parametrize("argument", ["", "dtype", "=2", "--=2"])
def test_what_is_no_argument_is_refused(argument: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        options(VllmRequest(arguments=(argument,)))


def test_a_server_is_named_or_started() -> None:
    with pytest.raises(UsageError, match="use one of them"):
        options(VllmRequest(server="http://here", serve=True))


def test_without_vllm_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gptoss.backends.vllm.engine", None)  # importing it fails
    from tests.backends.checkpoints import Geometry, random_weights, save_original

    checkpoint = save_original(random_weights(Geometry()), tmp_path / "tiny")
    with pytest.raises(BackendError, match=r"pip install 'gptoss\[vllm\]'"):
        open_generator("vllm", checkpoint, VllmRequest().options(tmp_path, tmp_path, environment={}))
