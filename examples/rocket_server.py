"""The launch library that the rocket pipeline asks: upcoming launches as JSON, and a picture of each rocket.

``python rocket_server.py`` serves on 127.0.0.1:8765 until Ctrl-C; ``--port 0`` takes any free port and prints it.
"""

from __future__ import annotations

import argparse
import json
import struct
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROCKETS = {"falcon": (200, 60, 40), "ariane": (40, 90, 200), "electron": (30, 30, 30), "vega": (230, 180, 40)}


def picture(color: tuple[int, int, int], size: int = 64) -> bytes:
    """A PNG: a rocket of that color on a white sky."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # no filter
        width = min(y // 2, size // 8) if y < size * 7 // 8 else 0
        for x in range(size):
            rows += bytes(color if abs(x - size // 2) <= width else (255, 255, 255))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    header = struct.pack("!IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class LaunchLibrary(BaseHTTPRequestHandler):
    """``/launches`` and ``/images/NAME.png``."""

    def do_GET(self) -> None:
        name = self.path.removeprefix("/images/").removesuffix(".png")
        if self.path == "/launches":
            address = f"http://{self.headers['Host']}/images"
            launches = [{"name": rocket, "image": f"{address}/{rocket}.png"} for rocket in ROCKETS]
            self.answer("application/json", json.dumps({"results": launches}).encode())
        elif name in ROCKETS:
            self.answer("image/png", picture(ROCKETS[name]))
        else:
            self.send_error(404)

    def answer(self, kind: str, body: bytes) -> None:
        """Send a good answer."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A small launch library.")
    parser.add_argument("--port", type=int, default=8765)
    with ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), LaunchLibrary) as server:
        print(f"Launches at http://127.0.0.1:{server.server_port}/launches", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
