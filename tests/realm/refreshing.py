"""What the tests of refreshing share: a web server, a keeper of a store, and
CRLs that are published or imported."""

import pytest

from keeper import Keeper, crl, put
from nginx import Nginx


@pytest.fixture
def web(tmp_path):
    with Nginx(tmp_path / "web") as one:
        yield one


@pytest.fixture
def keeper(tmp_path, world, web):
    """A store whose two CRLs are on the web server."""
    publish(web, world)
    # What nobody but the child must get through.
    tmp_path.chmod(0o755)
    return Keeper(tmp_path / "keeper", world,
                  crl_url=f"{web.url}/ca.crl {web.url}/root.crl")


def publish(web, world, revoked=(), number=1, **options):
    put(web.html / "ca.crl", crl(world.issuing, revoked, number, **options))
    if not (web.html / "root.crl").exists():
        put(web.html / "root.crl", crl(world.root))


def asked(web, since=0):
    return [(row["uri"], row["status"]) for row in web.requests()[since:]]


def import_crls(keeper, world, **options):
    paths = []
    for name in ("issuing", "root"):
        paths.append(keeper.folder / f"{name}.crl")
        paths[-1].write_bytes(crl(getattr(world, name), **options))
    done = keeper.imports(*paths)
    assert done.returncode == 0, done.stdout + done.stderr
