"""Photos on real servers, on this computer's loopback: each gives the map of the local folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import remote
from stillpix.images.gather import gather
from stillpix.maps import read_map
from stillpix.maps.map_file import as_text
from stillpix.restoration import placer
from stillpix.restoration.log import LOG_NAME
from stillpix.scan import find, scan
from stillpix.scan.shards.merging import merge
from stillpix.scan.shards.planning import plan_shards
from stillpix.scan.shards.plans import read_shard
from stillpix.scan.shards.running import run_shard
from support import costs, series

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("library")]
fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "photos"
    series.write(folder / "a", range(8))
    series.write(folder / "b", range(8, 12))
    return folder


@pytest.fixture(scope="module")
def local(folder):
    (found,) = find(folder)
    return as_text(found)


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(command, port):
    """Run a server until the block ends; the block begins when it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + costs.LONGEST_S
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert server.poll() is None, "the server ended"
                    assert time.monotonic() < end, "the server does not answer"
                    time.sleep(0.05)
            yield server
        finally:
            server.terminate()


def program(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def nginx(folder, tmp_path):
    pytest.importorskip("aiohttp", reason="stillpix[http] is not installed")
    port = free_port()
    (tmp_path / "nginx.conf").write_text(
        f"""daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
        events {{}}
        http {{
          access_log off; client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path};
          fastcgi_temp_path {tmp_path}; uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};
          server {{ listen 127.0.0.1:{port}; root {folder.parent}; autoindex on; }}
        }}"""
    )
    folder.parent.chmod(0o755)
    for above in folder.parents:
        if above.owner() == folder.owner() and above.is_relative_to(tempfile.gettempdir()):
            above.chmod(0o755)
    with serving([program("nginx"), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], port):
        yield f"http://127.0.0.1:{port}/photos/"


@contextmanager
def s3_server(folder, monkeypatch):
    pytest.importorskip("s3fs", reason="stillpix[s3] is not installed")
    pytest.importorskip("moto.server", reason="moto is not installed")
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    settings = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint,
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port):
        fs = fsspec.filesystem("s3", skip_instance_cache=True)
        fs.mkdir("photos")
        fs.put(str(folder), "photos/all", recursive=True)
        yield "s3://photos/all"


@contextmanager
def ssh_server(folder, tmp_path, monkeypatch, servers=None):
    paramiko = pytest.importorskip("paramiko", reason="stillpix[sftp] is not installed")
    port = free_port()
    key, host_key = tmp_path / "id_ed25519", tmp_path / "host_key"
    for path in (key, host_key):
        path.unlink(missing_ok=True)
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", path], check=True
        )
    config = tmp_path / "sshd_config"
    config.write_text(
        f"""ListenAddress 127.0.0.1:{port}
        HostKey {host_key}
        AuthorizedKeysFile {key}.pub
        StrictModes no
        UsePAM no
        PidFile none
        Subsystem sftp internal-sftp
        """.replace("        ", "")
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    fsspec_config = {"sftp": {"username": "root", "key_filename": str(key), "port": port}}
    monkeypatch.setattr(fsspec.config, "conf", fsspec_config)
    del paramiko
    with serving([program("sshd"), "-D", "-f", str(config)], port) as server:
        if servers is not None:
            servers.append(server)
        yield f"sftp://127.0.0.1{folder}"


@contextmanager
def each_server(name, folder, tmp_path, monkeypatch):
    servers = {
        "nginx": lambda: nginx(folder, tmp_path),
        "s3": lambda: s3_server(folder, monkeypatch),
        "ssh": lambda: ssh_server(folder, tmp_path, monkeypatch),
    }
    with servers[name]() as url:
        yield url
    fsspec.spec.AbstractFileSystem.clear_instance_cache()


@pytest.mark.parametrize("server", ["nginx", "s3", "ssh"])
def test_find_and_shards_over_a_server_give_the_map_of_the_local_folder(
    server, folder, local, tmp_path, monkeypatch
):
    if server == "ssh" and os.getuid() != 0:
        pytest.skip("an SSH server of one's own needs root here")
    with each_server(server, folder, tmp_path, monkeypatch) as url:
        result = CliRunner().invoke(app, ["find", url, "--out", str(tmp_path / "maps")])
        plan = plan_shards(gather([url]), tmp_path / "plan", 5)
        for name in plan.shards:
            run_shard(read_shard(plan.path(name)))
        (merged,) = merge(plan)
        (path,) = (tmp_path / "maps").iterdir()
        repaired = fixed_everywhere(url, folder, path, tmp_path, writable=server != "nginx")

    assert (result.exit_code, result.stderr) == (0, "")
    assert as_text(read_map(path)) == local
    assert as_text(merged.map) == local
    assert len(repaired["local"]) == 12
    assert [place for place, files in repaired.items() if files != repaired["local"]] == []


def fixed_everywhere(url, folder, map_path, tmp_path, *, writable):
    """Repair the photos from disk and from a server, to disk and to the server; return all files.

    What differs between logs, such as the time, is left out.
    """
    outs = {"local": (folder, tmp_path / "local"), "from there": (url, tmp_path / "from there")}
    there = f"{url.rpartition('/')[0]}/fixed"
    if writable:
        outs |= {"to there": (folder, there), "again": (url, there)}
    files = {}
    for name, (source, out) in outs.items():
        arguments = ["fix", str(source), "--map", str(map_path), "--out", str(out), "--jobs", "1"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.stderr
        files[name] = files_in(out)
    return files


def files_in(out):
    if "://" not in str(out):
        found = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        return {str(path.relative_to(out)): found[path] for path in found if path.name != LOG_NAME}
    fs, root = fsspec.url_to_fs(out)
    fs.invalidate_cache()
    names = {str(name) for name in fs.find(root)}
    assert f"{root}/{LOG_NAME}" in names
    return {
        name.removeprefix(root).lstrip("/"): fs.cat_file(name)
        for name in names
        if not name.endswith(LOG_NAME)
    }


def ended_with_its_sessions(server):
    """Kill a server and the processes that serve its clients."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for child in children:
        for deeper in Path(f"/proc/{child}/task/{child}/children").read_text().split():
            os.kill(int(deeper), signal.SIGKILL)
        os.kill(int(child), signal.SIGKILL)
    server.kill()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs an SSH server of root's")
def test_a_server_that_ends_amid_repairs_has_whole_files_and_the_next_run_goes_on(
    folder, tmp_path, monkeypatch, library
):
    monkeypatch.setattr(remote, "WAIT_S", 0.0)
    out, written = tmp_path / "out", []
    (body,) = scan(gather([folder]), library=library)
    whole = placer.write_whole
    command = ["fix", str(folder), "--map", str(body.path), "--jobs", "1", "--out"]
    assert CliRunner().invoke(app, [*command, str(tmp_path / "local")]).exit_code == 0

    def write_whole(path, content, check):
        if len(written) == 4:
            ended_with_its_sessions(servers[-1])
        whole(path, content, check)
        written.append(path)

    monkeypatch.setattr(placer, "write_whole", write_whole)
    with ssh_server(out, tmp_path, monkeypatch, servers := []) as url:
        stopped = CliRunner().invoke(app, [*command, url])
    fsspec.spec.AbstractFileSystem.clear_instance_cache()
    local, some = files_in(tmp_path / "local"), files_in(out)
    written = list(range(5))  # nothing ends the next one
    with ssh_server(out, tmp_path, monkeypatch, servers) as url:
        resumed = CliRunner().invoke(app, [*command, url])
    fsspec.spec.AbstractFileSystem.clear_instance_cache()

    lines = [line for line in stopped.stderr.splitlines() if "could not be written" in line]
    assert (stopped.exit_code, resumed.exit_code) == (1, 0)
    assert len([line for line in lines if LOG_NAME not in line]) == 1, stopped.stderr
    assert "nothing more can be written there: 7 photos not looked at" in stopped.stderr
    shown = {name: some[name] for name in some if ".stillpix-" not in name}
    assert len(shown) == 4
    assert shown.items() <= local.items()
    assert {name: files_in(out)[name] for name in local} == local


def test_a_server_that_ends_half_way_is_told_and_the_next_run_goes_on(
    folder, local, tmp_path, monkeypatch, library
):
    monkeypatch.setattr(remote, "WAIT_S", 0.0)
    with nginx(folder, tmp_path) as url:
        found = gather([url])
        (some,) = scan(gather([f"{url}a/"]), library=library)
        (again,) = scan(found, library=library)
        assert (some.read, again.known, again.read) == (8, 8, 4)
        assert as_text(again.map) == local
        found = gather([url])
    (stopped,) = scan(found, library=None)

    assert len(stopped.skipped) == 12
    assert "could not be fetched (ClientConnectorError); check the network" in (
        stopped.skipped[0].reason
    )
