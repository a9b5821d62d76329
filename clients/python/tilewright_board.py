#!/usr/bin/env python3
"""A host of a Tilewright board that knows docs/host.md, docs/interface.md and docs/artefact.md alone (Python 3.9, its
standard library).

    tilewright compile net.onnx --target ulx3s-25f -o net.tw
    python3 tilewright_board.py net.tw /dev/ttyUSB0

writes the network into the board's memory, runs every stage of the machine on the inputs of the artefact's golden
sample, and compares bytes and cycles. For inputs of your own write the bytes that `manifest.json` describes in their
place.
"""

import io
import json
import os
import select
import struct
import sys
import termios
import time
import tty
import zipfile
import zlib
from pathlib import Path

READ_STATUS, READ_REGISTERS, READ_MEMORY = 0x02, 0x03, 0x04
WRITE_REGISTERS, WRITE_MEMORY, START, RESET = 0x83, 0x84, 0x85, 0x86
STATUS = ["done", "busy", "unknown", "outside", "memory"]
ERROR, CYCLES, ADDRESS, LIMIT = 1, 2, 4, 13
MOST_BYTES = 1024


class LinkError(Exception):
    """No answer, or one that says that a request was not done."""


class Board:
    """Requests and answers over an open file descriptor."""

    def __init__(self, port, patience=0.4):
        self.port, self.patience, self.sequence = port, patience, 0
        told = self.ask(0x01, 0, 24)
        self.version, self.bus_bytes, _, self.isa, self.timing, self.memory_bytes, self.clock_hz, _ = struct.unpack(
            "<BBHIIIII", told
        )
        if self.version != 1:
            raise LinkError(f"the board speaks version {self.version} of the protocol")

    def ask(self, command, address, count, payload=b""):
        """The payload of the answer. Without one in time the same frame is sent again: it is not done twice."""
        self.sequence = (self.sequence + 1) % 256
        body = struct.pack("<BBIH", self.sequence, command, address, count) + payload
        frame = b"\xa5" + body + struct.pack("<I", zlib.crc32(body))
        for _ in range(5):
            come, sent = b"", 0
            while sent < len(frame):
                sent += os.write(self.port, frame[sent:])
            while select.select([self.port], [], [], self.patience)[0]:
                more = os.read(self.port, 4096)
                if not more:
                    raise LinkError("the line is gone")
                come += more
                answer = self.answer(come)
                if answer is None:
                    continue
                status, told = answer
                if status != 0 or len(told) != (0 if command & 0x80 else count):
                    name = STATUS[status] if status < len(STATUS) else status
                    raise LinkError(f"command {command:#x} at {address:#x}: {name}, {len(told)} bytes")
                return told
        raise LinkError(f"the board does not answer command {command:#x}")

    def answer(self, come):
        """Status and payload of the answer to the last request, if it has come."""
        for at in range(len(come) - 8):
            if come[at] != 0x5A or come[at + 1] != self.sequence:
                continue
            (count,) = struct.unpack_from("<H", come, at + 2)
            end = at + 5 + count
            if count <= MOST_BYTES and len(come) >= end + 4:
                if struct.unpack_from("<I", come, end)[0] == zlib.crc32(come[at + 1 : end]):
                    return come[end - 1], come[at + 4 : end - 1]
        return None

    def status(self):
        """Flags (bit 0: memory is ready; 1: the machine runs; 2: the last run has ended) and the register error."""
        flags, error, _, _ = self.ask(READ_STATUS, 0, 4)
        return flags, error

    def wait(self):
        """Until the memory is ready and nothing runs."""
        while self.status()[0] & 3 != 1:
            time.sleep(0.0002)

    def write(self, address, data):
        for at in range(0, len(data), MOST_BYTES):
            part = data[at : at + MOST_BYTES]
            self.ask(WRITE_MEMORY, address + at, len(part), part)

    def read(self, address, count):
        parts = range(0, count, MOST_BYTES)
        return b"".join(self.ask(READ_MEMORY, address + at, min(MOST_BYTES, count - at)) for at in parts)

    def write_registers(self, first, words):
        data = struct.pack(f"<{len(words)}I", *words)
        self.ask(WRITE_REGISTERS, 4 * first, len(data), data)

    def read_registers(self, first, count):
        return struct.unpack(f"<{count}I", self.ask(READ_REGISTERS, 4 * first, 4 * count))

    def run(self, lists, counts, base, limit):
        """Runs a stage that lies at `base`; its cycles."""
        self.write_registers(ADDRESS, [*lists, *counts])
        self.write_registers(LIMIT, [limit, base])
        self.ask(START, 0, 0)
        self.wait()
        error, low, high = self.read_registers(ERROR, 3)
        if error:
            raise LinkError(f"the run ended with error bits {error:#x}")
        return low | high << 32


class Artefact:
    """What `tilewright compile` wrote, as a folder or packed."""

    def __init__(self, path):
        if Path(path).is_dir():
            self.file = lambda name: (Path(path) / name).read_bytes()
        else:
            self.file = zipfile.ZipFile(path).read
        self.manifest = json.loads(self.file("manifest.json"))
        self.golden = zipfile.ZipFile(io.BytesIO(self.part("golden")))

    def part(self, what):
        return self.file(self.manifest["files"][what]["name"])

    def golden_bytes(self, name):
        """The elements of an array of the golden sample, as bytes."""
        npy = self.golden.read(name + ".npy")
        (header,) = struct.unpack_from("<H", npy, 8)
        return npy[10 + header :]


def open_port(path):
    """A serial port: raw, 3 000 000 bits a second."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    modes = termios.tcgetattr(port)
    modes[4] = modes[5] = termios.B3000000
    termios.tcsetattr(port, termios.TCSAFLUSH, modes)
    return port


def run_golden(board, artefact):
    """Cycles of all stages of the machine together; an assertion where anything is not as in the simulator."""
    manifest = artefact.manifest
    isa = int(manifest["keys"]["isa"], 16)
    if board.isa != isa:
        raise LinkError(f"the board runs programs of key {board.isa:08x}, these have {isa:08x}")
    total = 0
    for number, stage in enumerate(manifest["stages"]):
        if stage["runs_on"] != "machine":
            continue
        base = stage["base"]
        board.wait()
        board.write(base, artefact.part(f"memory_{number}"))
        for port, place in enumerate(stage["inputs"]):
            board.write(base + place["address"], artefact.golden_bytes(f"stage_{number}_input_{port}"))
        cycles = board.run(stage["stream_address"], stage["instructions"], base, 8 * stage["cycles"] + 100_000)
        (expected,) = struct.unpack("<Q", artefact.golden_bytes(f"stage_{number}_cycles"))
        exact = board.timing == int(manifest["keys"]["timing"], 16)
        assert cycles == expected or not exact, f"stage {number}: {cycles} cycles instead of {expected}"
        for port, place in enumerate(stage["outputs"]):
            want = artefact.golden_bytes(f"stage_{number}_output_{port}")
            got = board.read(base + place["address"], len(want))
            assert got == want, f"stage {number}, output {port}: other bytes"
        total += cycles
    return total


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: tilewright_board.py NET.tw PORT [SECONDS to wait for an answer]")
    seconds = float(sys.argv[3]) if len(sys.argv) == 4 else 0.4
    print(run_golden(Board(open_port(sys.argv[2]), seconds), Artefact(sys.argv[1])), "cycles, all bytes equal")
