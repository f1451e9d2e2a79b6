# SPDX-License-Identifier: Apache-2.0
"""What somebody would try who has taken a worker over. Each returns what it got, or raises."""

import ctypes
import mmap
import os
import resource
import socket
import threading
from collections.abc import Callable
from pathlib import Path


def connect(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), 5) as stream:
        return stream.recv(5).decode()


def connect_locally(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(path)
        return stream.recv(5).decode()


def open_socket(_: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.sendto(b"x", ("127.0.0.1", 9))
    return "sent"


def read_file(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


def write_file(path: str) -> str:
    Path(path).with_suffix(".new").write_text("stolen", encoding="ascii")
    return "written"


def rename_file(path: str) -> str:
    moved = Path(path).rename(path + ".moved")
    moved.rename(path)
    return "renamed"


def list_folder(path: str) -> str:
    return str(len(os.listdir(Path(path).parent)))


def write_to_memory(_: str) -> str:
    handle = os.memfd_create("hidden")
    try:
        return str(os.write(handle, b"x"))
    finally:
        os.close(handle)


def execute(_: str) -> str:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    return str(os.waitpid(pid, 0)[1])


def fork(_: str) -> str:
    pid = os.fork()
    if not pid:
        os._exit(0)
    return str(os.waitpid(pid, 0)[1])


def start_thread(_: str) -> str:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return "started"


def signal_another(pid: str) -> str:
    os.kill(int(pid), 0)
    return "could"


def look_into_another(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii")


def make_code(_: str) -> str:
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return "made"


def turn_data_into_code(_: str) -> str:
    with mmap.mmap(-1, 4096) as memory:
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        _call("mprotect", ctypes.c_void_p(address), ctypes.c_size_t(4096), 5)
        return "turned"


def load_library(_: str) -> str:
    return str(ctypes.CDLL("libanl.so.1") is not None)


def become_dumpable(_: str) -> str:
    _call("prctl", 4, 1, 0, 0, 0)
    return "dumpable"


def raise_limit(_: str) -> str:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    wanted = hard or 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (wanted, wanted))
    return "raised"


def share_memory(_: str) -> str:
    number: int = ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1600)
    if number < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    _call("shmctl", number, 0, None)
    return "shared"


def ask_kernel_for_a_ring(_: str) -> str:
    handle: int = ctypes.CDLL(None, use_errno=True).syscall(425, 1, bytes(120))
    if handle < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    os.close(handle)
    return "ring"


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), name)


ATTEMPTS: dict[str, Callable[[str], str]] = {
    each.__name__: each
    for each in (
        *(connect, connect_locally, open_socket, read_file, write_file, rename_file, list_folder),
        *(write_to_memory, execute, fork, start_thread, signal_another, look_into_another),
        *(make_code, turn_data_into_code, load_library, become_dumpable, raise_limit),
        *(share_memory, ask_kernel_for_a_ring),
    )
}
