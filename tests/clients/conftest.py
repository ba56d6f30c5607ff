import pytest

from server import Server


@pytest.fixture
def serve(tmp_path):
    """Starts servers, and stops them when the test ends."""
    begun = []

    def begin(*flags, **more):
        server = Server(tmp_path / f"data-{len(begun)}", *flags, **more).with_admin()
        begun.append(server)
        return server

    yield begin
    for server in begun:
        server.stop()
