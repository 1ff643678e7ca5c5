"""What the tests' loopback servers share: they read and answer JSON, and log nothing."""

from __future__ import annotations

import json


class Json:
    """Goes before BaseHTTPRequestHandler."""

    protocol_version = "HTTP/1.1"

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def send(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
