"""What code may try against its sandbox. Each attempt fails, and the model reads in a sentence what happened.

`test_ordinary_user` runs all of it once more as somebody who is not root.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptoss.tools.python import processes, texts
from tests.tools.python.notebooks import QUICK, Notebook, Notebooks, eventually, needs_sandbox, processes_with

pytestmark = needs_sandbox

SECRET = "hunter2-" + "secret"


@pytest.fixture(scope="module")
def confined(notebooks: Notebooks) -> Iterator[Notebook]:
    """A kernel started by a program with a secret in its environment."""
    os.environ["GPTOSS_TEST_SECRET"] = SECRET
    try:
        notebook = notebooks.open(session="confined", limits=QUICK)
        assert notebook.run("1") == "1"
        yield notebook
    finally:
        del os.environ["GPTOSS_TEST_SECRET"]


def test_tcp_and_udp(confined: Notebook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port, other = tcp.getsockname()[1], udp.getsockname()[1]
        assert "ConnectionRefusedError" in confined.run(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"
        )
        confined.run(f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {other}))")
        udp.settimeout(0.2)
        with pytest.raises(TimeoutError):
            udp.recv(1)
    for address in ("10.0.0.1", "192.0.2.1"):
        text = confined.run(f"socket.create_connection(('{address}', 53), 2)")
        assert "Network is unreachable" in text
    assert "gaierror" in confined.run("socket.getaddrinfo('example.org', 80)")
    assert "PermissionError" in confined.run("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)")
    assert confined.run("[name for _, name in socket.if_nameindex()]") == "['lo']"


def test_unix_sockets_of_the_host(confined: Notebook, tmp_path: Path) -> None:
    path = tmp_path / "s"
    name = f"\0gptoss-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as file, socket.socket(socket.AF_UNIX) as abstract:
        file.bind(str(path))
        abstract.bind(name)
        file.listen()
        abstract.listen()
        assert "FileNotFoundError" in confined.run(
            f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(path)!r})"
        )
        assert "ConnectionRefusedError" in confined.run(f"socket.socket(socket.AF_UNIX).connect({name!r})")


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_PACKET", "AF_ALG", "AF_BLUETOOTH"])
def test_sockets_that_no_namespace_confines(confined: Notebook, family: str) -> None:
    text = confined.run(f"import socket\nsocket.socket(getattr(socket, {family!r}, 40), socket.SOCK_STREAM)")
    assert "Address family not supported" in text


def test_the_home_folder_and_what_is_the_machine_s(confined: Notebook, tmp_path: Path) -> None:
    (tmp_path / "private").write_text(SECRET)
    code = """
        import os, sys
        def listed(path):
            try:
                return sorted(os.listdir(path))
            except OSError as error:
                return type(error).__name__
    """
    confined.run("\n".join(line[8:] for line in code.split("\n")))
    home = Path.home()
    needed = {Path(sys.base_prefix), Path(sys.prefix)}
    for folder in {home, home / ".ssh", home / ".config", Path("/var"), Path("/run"), Path("/srv"), tmp_path}:
        shown = confined.run(f"listed({str(folder)!r})")
        if not any(path.is_relative_to(folder) for path in needed):
            assert shown in ("'FileNotFoundError'", "'PermissionError'"), folder
    # Of a home that holds this Python nothing else is there.
    ways = {path.relative_to(home).parts[0] for path in needed if path.is_relative_to(home) and path != home}
    assert confined.run(f"set(listed({str(home)!r})) - {ways!r} if {bool(ways)} else set()") == "set()"
    assert "shadow" not in confined.run("listed('/etc')")
    assert confined.run("open('/etc/passwd').read().count(':/')") == "2"
    assert confined.run("os.path.expanduser('~')") == "'/tmp'"


def test_secrets_of_the_environment(confined: Notebook) -> None:
    code = f"""
import os, glob
found = [name for name, value in os.environ.items() if {SECRET!r} in value]
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try:
        if {SECRET.encode()!r} in open(path, 'rb').read() and not path.startswith(f'/proc/{{os.getpid()}}/'):
            found.append(path)
    except OSError:
        pass
found"""
    assert confined.run(code) == "[]"
    names = "{'GPTOSS_TEST_SECRET', 'SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'}"
    assert confined.run(f"set(os.environ) & {names}") == "set()"


def test_writing_outside_the_folder(confined: Notebook) -> None:
    code = """
import os, sys
written = []
for folder in ('/', '/usr', '/etc', '/mnt', '/dev', '/bin', '/proc', '/proc/sys/kernel', sys.prefix, sys.base_prefix):
    try:
        with open(os.path.join(folder, 'intruder'), 'w') as file:
            written.append(folder)
    except OSError:
        pass
for path in (sys.executable, os.__file__, '/etc/passwd', '/proc/sys/kernel/hostname', '/proc/sysrq-trigger'):
    try:
        with open(path, 'r+b') as file:
            written.append(path)
    except OSError:
        pass
written"""
    assert confined.run(code) == "[]"
    assert not (Path(sys.prefix) / "intruder").exists()
    for attempt in ("os.remove(os.__file__)", "os.rename('/usr', '/usr2')", "os.mkdir('/new')"):
        assert "Error: [Errno" in confined.run(f"import os; {attempt}")
    assert Path(os.__file__).exists()


def test_a_link_in_the_folder_leads_nowhere(confined: Notebook, notebooks: Notebooks, tmp_path: Path) -> None:
    (tmp_path / "private").write_text(SECRET)
    confined.run(f"import os; os.symlink({str(tmp_path)!r}, '/mnt/data/link')")
    assert "FileNotFoundError" in confined.run("os.listdir('/mnt/data/link')")
    assert "FileNotFoundError" in confined.run("open('/mnt/data/../../work/private')")


SYSTEM_CALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *arguments):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    return os.strerror(ctypes.get_errno()) if result == -1 else result
"""


@pytest.mark.parametrize(
    "call",
    [
        "'ptrace', 16, 1, None, None",
        "'ptrace', 0, 0, None, None",
        "'process_vm_readv', 1, None, 0, None, 0, 0",
        "'unshare', 0x10000000",
        "'unshare', 0x20000",
        "'mount', b'none', b'/mnt', b'tmpfs', 0, None",
        "'umount2', b'/mnt/data', 2",
        "'chroot', b'/mnt/data'",
        "'setns', os.open('/proc/self/ns/net', 0), 0",
        "'setuid', 0",
        "'setresuid', 0, 0, 0",
        "'sethostname', b'x', 1",
        "'reboot', 0x89abcdef",
        "'swapoff', b'/dev/vda'",
        "'syscall', 250 if os.uname().machine == 'x86_64' else 219, 1, 0",
        "'syscall', 425, 8, None",
        "'kill', 1, 0",
    ],
)
def test_system_calls_that_lead_out(confined: Notebook, call: str) -> None:
    confined.run(SYSTEM_CALLS)
    shown = confined.run(f"attempt({call})")
    if call == "'kill', 1, 0" and shown == "0":
        # The first process of the sandbox is its own, and signals do it no harm.
        assert confined.run("os.kill(1, 9)\n'alive'") == "'alive'"
        return
    assert shown in ("'Operation not permitted'", "'Invalid argument'"), shown


def test_the_processes_of_the_host(confined: Notebook) -> None:
    pids = confined.run("import os; sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[:2]")
    assert pids == "[1, 2]"
    assert int(confined.run("sum(name.isdigit() for name in os.listdir('/proc'))")) < 10
    assert "ProcessLookupError" in confined.run(f"os.kill({os.getpid() + 100000}, 0)")
    for path in ("/proc/1/mem", "/proc/1/root/home", "/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/tty", "/dev/vda"):
        assert "Error" in confined.run(f"open({path!r}, 'rb').read(1)"), path
    assert "Error" in confined.run("os.listdir('/proc/1/root/etc/ssh')")


def test_programs_that_would_be_root(confined: Notebook) -> None:
    assert "uid=0" not in confined.run("import subprocess\nsubprocess.getoutput('su -c id; sudo -n id; newgrp root')")
    assert "NoNewPrivs:\\t1" in confined.run("open('/proc/self/status').read()")
    assert "CapEff:\\t0000000000000000" in confined.run("open('/proc/self/status').read()")


def test_files_without_end(confined: Notebook) -> None:
    confined.run(
        "import os\ndef fill(path):\n    with open(path, 'wb') as file:\n        while True: file.write(bytes(10**6))"
    )
    assert "File too large" in confined.run("fill('/mnt/data/big')")
    for folder in ("/dev/shm", "/tmp"):
        several = (
            f"for n in range(9):\n    try: fill(f'{folder}/{{n}}')\n    except OSError as error: last = error\nlast"
        )
        assert "No space left" in confined.run(several)
        confined.run(f"for name in os.listdir({folder!r}):\n    if name.isdigit(): os.remove(f'{folder}/{{name}}')")


def test_many_files(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="many-files", limits=QUICK)
    code = (
        "import time\nfor n in range(1000):\n    with open(f'{n}', 'wb') as file: file.write(bytes(10_000_000))\n"
        "    time.sleep(0.2)"
    )
    assert notebook.run(code).endswith(texts.folder_full(50))
    assert notebook.run("import os\nfor name in os.listdir('.'): os.remove(name)") == texts.NO_OUTPUT
    assert notebook.last.outcome == "ok"


def test_an_endless_loop(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="loop", timeout=4)
    assert notebook.run("x = 1") == texts.NO_OUTPUT
    assert notebook.run("while True: pass").endswith(texts.timed_out(4))
    assert notebook.run("x") == "1"
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    assert notebook.run(stubborn).endswith(texts.killed(4))
    # The error has told the model already that the variables are gone.
    assert notebook.run("2") == "2"


def test_endless_output(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="output")
    assert notebook.run("x = 1") == texts.NO_OUTPUT
    text = notebook.run("while True: print('y' * 1000)")
    assert text.endswith(texts.too_much_output(10))
    assert len(text) < 10_000
    # One message that is larger than what is read at all.
    assert notebook.run("print('z' * 100_000_000)").endswith(texts.too_much_output(10))
    assert notebook.run("x") == "1"


def test_a_memory_bomb(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="memory", limits=QUICK)
    assert "MemoryError" in notebook.run("parts = []\nwhile True: parts.append(bytearray(10_000_000))")
    assert notebook.run("del parts\n1") == "1"
    child = "        x = b'x' * 200_000_000\n        time.sleep(60)\n"
    many = f"import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n{child}"
    assert notebook.run(f"{many}time.sleep(60)").endswith(texts.OUT_OF_MEMORY)
    assert notebook.run("3") == "3"


def test_a_fork_bomb(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="forks", limits=QUICK, timeout=4)
    before = len(processes.below(os.getpid()))
    counts: list[int] = []
    done = threading.Event()

    def count() -> None:
        while not done.wait(0.2):
            counts.append(len(processes.below(os.getpid())) - before)

    counting = threading.Thread(target=count)
    counting.start()
    text = notebook.run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
    done.set()
    counting.join()
    assert text.endswith((texts.killed(4), texts.timed_out(4), texts.DIED))
    assert 20 < max(counts) <= QUICK.processes + 3
    assert eventually(lambda: len(processes.below(os.getpid())) <= before + 3)
    assert notebook.run("4") == "4"
    shell = notebook.run("import subprocess; subprocess.run(['sh', '-c', 'f() { f | f & }; f; sleep 1'], check=True);")
    assert "fork" in shell or "stopped" in shell
    assert eventually(lambda: notebook.run("5") == "5")  # the last of them may still complain


def test_leaving_processes_behind(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="behind")
    notebook.run("import os, subprocess")
    assert notebook.run("p = subprocess.Popen(['sleep', '87654'])") == f"{texts.NO_OUTPUT}\n{texts.left_running(1)}"
    daemon = (
        "child = os.fork()\nif child == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execvp('sleep', ['sleep', '87655'])\n    os._exit(0)\nos.waitpid(child, 0)\n"
    )
    text = notebook.run(f"{daemon}import time; time.sleep(0.5)")
    assert text.endswith(texts.left_running(1))
    assert eventually(lambda: not processes_with("8765"))
    assert notebook.run("p.wait()") == "-9"


def test_ending_the_kernel_in_every_way(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="ends")
    for code in ("import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"):
        assert texts.DIED in notebook.run(code), code
        assert notebook.run("6") == "6"


def test_speaking_in_the_place_of_the_kernel(notebooks: Notebooks) -> None:
    notebook = notebooks.open(session="imposter", timeout=8)
    kernel = "k = get_ipython().kernel; "
    send = f"{kernel}k.session.send(k.iopub_socket, %s, parent=k.get_parent())"
    lies = (
        f"{kernel}k.iopub_socket.send_multipart([b'junk'])",
        f"{kernel}k.iopub_socket.send_multipart([b'a', b'<IDS|MSG>', b'bad', b'{{', b'{{}}', b'{{}}', b'{{}}'])",
        send % "'stream', {}",
        send % "'display_data', {'data': 7}",
        send % "'status', {'execution_state': 'idle'}",
    )
    for lie in lies:
        assert notebook.run(lie), lie
        assert notebook.run("7").endswith("7"), lie


def test_the_sandbox_dies_with_the_program(notebooks: Notebooks, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, time; from pathlib import Path\n"
        "from gptoss.tools.python.tool import PythonTool\n"
        "from tests.contracts.tool import Blobs, call_of\n"
        "tool = PythonTool(Path(sys.argv[1]), put_blob=Blobs().put, get_blob=Blobs().get)\n"
        "code = \"import subprocess; p = subprocess.Popen(['sleep', '76543']); print('up', flush=True); p.wait()\"\n"
        "asyncio.run(tool.run(call_of('python', code)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(notebooks.folder)])
    try:
        assert eventually(lambda: len(processes_with("76543")) > 1, 30)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert eventually(lambda: not processes_with("76543"))
