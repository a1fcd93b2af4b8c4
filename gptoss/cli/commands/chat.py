"""`gptoss chat`."""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.asking import chat_command
from gptoss.cli.command import Command
from gptoss.cli.commands.completions import one_of, profile_names, session_names
from gptoss.cli.commands.options import BrowserSource, Database, PythonBackend, PythonRestore, Workspace
from gptoss.cli.tooling import ToolOptions


def chat(
    context: typer.Context,
    first: Annotated[
        str | None,
        typer.Argument(metavar="CHECKPOINT", help="A checkpoint: a file or folder that exists.", show_default=False),
    ] = None,
    second: Annotated[str | None, typer.Argument(metavar="PROMPT", help="What to say.", show_default=False)] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session", metavar="NAME", help="Continue this session, or begin it.", autocompletion=session_names
        ),
    ] = None,
    latest: Annotated[bool, typer.Option("--continue", "-C", help="Continue the session that was used last.")] = False,
    fork: Annotated[bool, typer.Option("--fork", help="Go on on a new branch of the session.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on even if another process writes to the session.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The model (default: the session's own, GPTOSS_CHECKPOINT, the embedded one)."
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to say, even if it looks like a path.")
    ] = None,
    reasoning_effort: Annotated[
        str | None,
        typer.Option(
            "--reasoning-effort",
            "-r",
            metavar="low|medium|high",
            help="How much to think (default: low).",
            autocompletion=one_of("low", "medium", "high"),
        ),
    ] = None,
    developer_message: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions that stand above all that the user says.")
    ] = None,
    python: Annotated[
        bool | None,
        typer.Option("--python/--no-python", "-p", help="Let the model run Python, in a sandbox.", show_default=False),
    ] = None,
    apply_patch: Annotated[
        bool | None,
        typer.Option(
            "--apply-patch/--no-apply-patch",
            "-a",
            help="Let the model change files of the workspace.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", "-b", help="Let the model search and open pages.", show_default=False),
    ] = None,
    workspace: Workspace = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Show each patch and ask before it is applied.")] = False,
    python_backend: PythonBackend = None,
    python_restore: PythonRestore = False,
    browser_source: BrowserSource = None,
    show_browser_results: Annotated[
        bool, typer.Option("--show-browser-results", help="Show the pages that the model reads.")
    ] = False,
    tokens: Annotated[
        int | None,
        typer.Option("--context", "-c", metavar="N", help="Tokens for prompt and answer together (default: 8192)."),
    ] = None,
    context_policy: Annotated[
        str | None,
        typer.Option(
            metavar="trim|error",
            help="When the conversation outgrows the context: let the oldest turns go, or stop (default: trim).",
            autocompletion=one_of("trim", "error"),
        ),
    ] = None,
    keep_reasoning: Annotated[
        bool | None,
        typer.Option(
            "--keep-reasoning/--drop-reasoning",
            help="Whether the model sees its reasoning of earlier turns (default: drop).",
            show_default=False,
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="auto|torch|vllm",
            help="What runs the model (default: auto).",
            autocompletion=one_of("auto", "torch", "vllm"),
        ),
    ] = None,
    vllm_arguments: Annotated[
        list[str] | None,
        typer.Option("--vllm-arg", metavar="NAME=VALUE", help="An engine argument of vLLM; may be given many times."),
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Talk to the vLLM server there.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Start a vLLM server that stays for later chats, or use it.")
    ] = False,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="0 takes the likeliest token (default: the checkpoint's).")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", metavar="P", help="Draw from the likeliest P of probability.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Draw the same tokens every time.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="At most so many tokens at a time.")
    ] = None,
    kv_cache: Annotated[
        int | None,
        typer.Option(
            "--kv-cache",
            metavar="MB",
            help="Disk for what models computed of sessions, for whoever comes back (default: 2000; 0: none).",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The profile of config.toml whose defaults count.", autocompletion=profile_names
        ),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show the Harmony stream itself, special tokens and all.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything that happens, one JSON object a line.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing but the answer and errors.")] = False,
    database: Database = None,
) -> Command:
    """Talk with a model, or answer one PROMPT.

    With PROMPT or piped text the answer alone goes to standard output, everything else to standard error. A session
    keeps its tools when it is continued; --no-python, --no-apply-patch and --no-browser take one away.
    """
    return chat_command(
        [word for word in (first, second, *context.args) if word is not None],
        session=session,
        latest=latest,
        fork=fork,
        take_over=take_over,
        checkpoint=checkpoint,
        prompt=prompt,
        reasoning_effort=reasoning_effort,
        developer_message=developer_message,
        tools={"python": python, "apply_patch": apply_patch, "browser": browser},
        tool_options=ToolOptions(
            workspace=workspace,
            confirm=confirm,
            python_backend=python_backend,
            python_restore=python_restore,
            browser_source=browser_source,
        ),
        show_browser_results=show_browser_results,
        context=tokens,
        context_policy=context_policy,
        keep_reasoning=keep_reasoning,
        backend=backend,
        vllm_arguments=tuple(vllm_arguments or ()),
        server=server,
        serve=serve,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        max_tokens=max_tokens,
        kv_cache=kv_cache,
        profile=profile,
        raw=raw,
        as_json=as_json,
        quiet=quiet,
        database=database,
    )
