"""What this machine is called, when only its own programs shall reach the server."""

LOCAL = {"localhost", "127.0.0.1", "::1"}
